"""Root mean squared error."""

import torch
from torch import Tensor

from mtl.metrics.base import TaskMetric


class RMSE(TaskMetric):
    """Root mean squared error of a quantity that is not negative, in the unit of its label: metres of depth.

    sqrt(mean over all valid pixels of the split of (max(z, 0) - d)^2), valid where d is not the fill: 0 of depth.
    Pooled over the split, not averaged over images.
    """

    primary = "rmse"
    higher_is_better = False
    fill = 0.0

    def __init__(self) -> None:
        super().__init__()
        self.add_state("squared_error", torch.zeros((), dtype=torch.float64), dist_reduce_fx="sum")
        self.add_state("count", torch.zeros((), dtype=torch.int64), dist_reduce_fx="sum")

    def update(self, prediction: Tensor, target: Tensor) -> None:
        """Adds predictions [B, 1, H, W] against labels [B, 1, H, W]."""
        valid = self.valid(target)
        error = prediction[valid].double().clamp(min=0) - target[valid].double()
        self.squared_error += error.square().sum()
        self.count += valid.sum()

    def compute(self) -> dict[str, float]:
        """Key `rmse`, in the unit of the label."""
        return {"rmse": (self.squared_error / self.count).sqrt().item()}
