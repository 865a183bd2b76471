"""The contract of a task's loss, and what all losses share."""

from abc import ABC, abstractmethod

import torch
import torch.distributed as dist
from torch import Tensor, nn

from mtl.tasks import IGNORE, valid


class Loss(nn.Module, ABC):
    """Teaches one task, as a sum over valid pixels and their number.

    The pair makes the mean exact however a batch is split over processes: add up the sums, add up the counts,
    divide. Without a valid pixel the sum is 0 and still connected to the prediction.
    """

    fill: float = IGNORE  # what an invalid pixel holds; a `Task` replaces it by that of its label

    @abstractmethod
    def forward(self, prediction: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
        """Sum of the loss over the valid pixels (float32 or better) and their number (int64), both scalars.

        Args:
            prediction: Raw network output at the size of the target. Shape [B, C, H, W].
            target: Labels in natural units. Shape [B, 1, H, W], normals [B, 3, H, W].
        """

    def valid(self, target: Tensor) -> Tensor:
        """Where the target has a label. Shapes [B, C, H, W], [B, 1, H, W]."""
        return valid(target, self.fill)


def full_precision(prediction: Tensor) -> Tensor:
    """The prediction in float32 or better: a sum over many half-precision pixels loses the small losses."""
    return prediction.to(torch.promote_types(prediction.dtype, torch.float32))


def sum_over_processes(counts: Tensor) -> Tensor:
    """A copy of the counts added up over all processes; collective where there are several."""
    counts = counts.clone()
    if dist.is_initialized():
        dist.all_reduce(counts)
    return counts
