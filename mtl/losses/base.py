"""Base class of task losses."""

from abc import ABC, abstractmethod

import torch
import torch.distributed as dist
from torch import Tensor, nn

from mtl.tasks import IGNORE, valid


class Loss(nn.Module, ABC):
    """Loss of one task, returned as the sum over valid pixels and their number.

    With this pair the mean is exact however a batch is split over processes: add the sums, add the counts, divide.
    Without valid pixels the sum is 0, but still connected to the prediction.
    """

    fill: float = IGNORE  # value of an invalid pixel; a `Task` sets that of its label

    @abstractmethod
    def forward(self, prediction: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
        """Sum of the loss over the valid pixels (float32 or better) and their number (int64), both scalars.

        Args:
            prediction: Raw network output at the size of the target. Shape [B, C, H, W].
            target: Labels in natural units. Shape [B, 1, H, W], normals [B, 3, H, W].
        """

    def valid(self, target: Tensor) -> Tensor:
        """Mask of pixels with a label. Shapes [B, C, H, W] to [B, 1, H, W]."""
        return valid(target, self.fill)


def full_precision(prediction: Tensor) -> Tensor:
    """The prediction in float32 or better, because sums over many pixels lose precision in float16."""
    return prediction.to(torch.promote_types(prediction.dtype, torch.float32))


def sum_over_processes(counts: Tensor) -> Tensor:
    """Sum of the counts over all processes, as a copy; a collective operation if there are several."""
    counts = counts.clone()
    if dist.is_initialized():
        dist.all_reduce(counts)
    return counts
