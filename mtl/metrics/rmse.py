"""Root mean squared error, and relative errors of positive quantities such as depth."""

import torch
from torch import Tensor

from mtl.metrics.base import TaskMetric

RATIO = 1.25  # bound of delta_1


class RMSE(TaskMetric):
    """Root mean squared error of a non-negative quantity, in the unit of its label (metres for depth).

    sqrt(mean((max(z, 0) - d)^2)) over all valid pixels of the split: those where d is not the fill (0 for depth).
    Pixels are pooled over the split, not averaged per image.

    If the fill is 0, every valid d is positive and relative errors are defined (Eigen et al., Depth Map Prediction
    from a Single Image, NeurIPS 2014, https://arxiv.org/abs/1406.2283). With z' = max(z, 0), over the same pixels:

    - `abs_rel`: mean of |z' - d| / d;
    - `delta_1`: share of pixels with max(z' / d, d / z') < 1.25, in percent.
    """

    primary = "rmse"
    higher_is_better = False
    fill = 0.0
    squared_error: Tensor
    relative_error: Tensor
    close: Tensor
    count: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("squared_error", torch.zeros((), dtype=torch.float64))
        self.register_buffer("relative_error", torch.zeros((), dtype=torch.float64))
        self.register_buffer("close", torch.zeros((), dtype=torch.int64))
        self.register_buffer("count", torch.zeros((), dtype=torch.int64))

    @torch.no_grad()
    def update(self, prediction: Tensor, target: Tensor) -> None:
        """Add predictions [B, 1, H, W] and labels [B, 1, H, W]."""
        valid = self.valid(target)
        guess, truth = prediction[valid].double().clamp(min=0), target[valid].double()  # [N]
        error = guess - truth
        self.squared_error += error.square().sum()
        if self.fill == 0:
            self.relative_error += (error.abs() / truth).sum()
            self.close += ((guess < RATIO * truth) & (truth < RATIO * guess)).sum()
        self.count += valid.sum()

    def values(self) -> dict[str, float]:
        """Key `rmse`, in the unit of the label; if the fill is 0, also `abs_rel`, and `delta_1` in percent."""
        values = {"rmse": (self.squared_error / self.count).sqrt().item()}
        if self.fill == 0:
            values |= {
                "abs_rel": (self.relative_error / self.count).item(),
                "delta_1": 100 * (self.close.double() / self.count).item(),
            }
        return values
