"""Root mean squared error of depth."""

import torch
from torch import Tensor

from mtl.metrics.base import TaskMetric


class RMSE(TaskMetric):
    """How far depth is off, large errors weighing more, in metres.

    sqrt(mean over all valid pixels of the split of (max(z, 0) - d)^2), valid where d > 0. Pooled over the
    split, not averaged over images.
    """

    primary = "rmse"
    higher_is_better = False

    def __init__(self) -> None:
        super().__init__()
        self.add_state("squared_error", torch.zeros((), dtype=torch.float64), dist_reduce_fx="sum")
        self.add_state("count", torch.zeros((), dtype=torch.int64), dist_reduce_fx="sum")

    def update(self, prediction: Tensor, target: Tensor) -> None:
        """Adds depth [B, 1, H, W] against depth [B, 1, H, W], in metres."""
        valid = target > 0
        error = prediction[valid].double().clamp(min=0) - target[valid].double()
        self.squared_error += error.square().sum()
        self.count += valid.sum()

    def compute(self) -> dict[str, float]:
        """Key `rmse`, in metres."""
        return {"rmse": (self.squared_error / self.count).sqrt().item()}
