"""The contract of a task's metric."""

from abc import abstractmethod
from typing import ClassVar

from torch import Tensor
from torchmetrics import Metric

from mtl.tasks import IGNORE, valid


class TaskMetric(Metric):
    """Judges one task over a whole split.

    All state is sums (int64 or float64), added up over processes, so the value does not depend on how the
    split was cut into batches or processes. A split without a valid pixel has the value NaN.
    """

    primary: ClassVar[str]  # key of the number that enters Delta_m and chooses the best checkpoint; the first one
    higher_is_better: ClassVar[bool]  # of the primary one
    full_state_update: ClassVar[bool] = False
    fill: float = IGNORE  # what an invalid pixel holds; a `Task` replaces it by that of its label
    preset: str | None = None  # which of the definitions in use; numbers of two presets are not comparable

    @property
    def update_called(self) -> bool:
        """Always true: an empty metric has a defined value (NaN), so torchmetrics need not warn about it."""
        return True

    def judges(self, image: str) -> bool:
        """Whether the image of this id counts; some protocols leave out a part of the split."""
        return True

    def valid(self, target: Tensor) -> Tensor:
        """Where the target has a label. Shapes [B, C, H, W], [B, 1, H, W]."""
        return valid(target, self.fill)

    @abstractmethod
    def update(self, prediction: Tensor, target: Tensor) -> None:
        """Takes one batch of raw network outputs and labels, both at the same size. Shapes [B, C, H, W]."""

    @abstractmethod
    def compute(self) -> dict[str, float]:
        """All numbers so far by key, over all processes, the primary one first."""
