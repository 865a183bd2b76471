"""Base class of all task metrics."""

from abc import ABC, abstractmethod
from copy import deepcopy
from typing import ClassVar

import torch.distributed as dist
from torch import Tensor, nn

from mtl.tasks import IGNORE, valid


class TaskMetric(nn.Module, ABC):
    """Evaluates one task over a whole split: `update` with every batch, then `compute`.

    All buffers are sums (int64 or float64) that are added over processes, so the value does not depend on how the split
    is divided into batches or processes. It is NaN for a split without a valid pixel.
    """

    primary: ClassVar[str]  # key of the value used for Delta_m and to select the best checkpoint; the first
    higher_is_better: ClassVar[bool]  # for the primary value
    fill: float = IGNORE  # value of an invalid pixel; a `Task` replaces it with the fill of its label
    preset: str | None = None  # definition in use; values of different presets are not comparable

    def judges(self, image: str) -> bool:
        """Whether the image with this id is scored; some protocols leave out part of the split."""
        return True

    def valid(self, target: Tensor) -> Tensor:
        """Mask of the pixels with a label. Shape [B, C, H, W] to [B, 1, H, W]."""
        return valid(target, self.fill)

    @abstractmethod
    def update(self, prediction: Tensor, target: Tensor) -> None:
        """Add one batch of raw network outputs and labels of the same height and width. Shapes [B, C, H, W]."""

    @abstractmethod
    def values(self) -> dict[str, float]:
        """All values of the sums by key, the primary value first."""

    def compute(self) -> dict[str, float]:
        """All values so far by key, over all processes, the primary value first; all processes must call it."""
        if not dist.is_initialized():
            return self.values()
        total = deepcopy(self)
        for sums in total.buffers():
            dist.all_reduce(sums)
        return total.values()

    def reset(self) -> None:
        """Discard all batches."""
        for sums in self.buffers():
            sums.zero_()
