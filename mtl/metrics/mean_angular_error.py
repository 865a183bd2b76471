"""Mean angle between predicted and true surface normals."""

import torch
import torch.nn.functional as F
from torch import Tensor

from mtl.metrics.base import TaskMetric


class MeanAngularError(TaskMetric):
    """By how many degrees normals point the wrong way.

    mean over all valid pixels of the split of 2 * atan2(|p - g|, |p + g|), with p and g scaled to length one;
    valid where |g| > 0.1. Unlike the arc cosine of the dot product it is precise near 0 and 180 degrees.
    """

    primary = "mean_angular_error"
    higher_is_better = False

    def __init__(self) -> None:
        super().__init__()
        self.add_state("angle", torch.zeros((), dtype=torch.float64), dist_reduce_fx="sum")
        self.add_state("count", torch.zeros((), dtype=torch.int64), dist_reduce_fx="sum")

    def update(self, prediction: Tensor, target: Tensor) -> None:
        """Adds vectors [B, 3, H, W] of any length against normals [B, 3, H, W]."""
        valid = target.norm(dim=1) > 0.1  # [B, H, W]
        p = F.normalize(prediction.movedim(1, -1)[valid].double(), dim=-1)  # [N, 3]
        g = F.normalize(target.movedim(1, -1)[valid].double(), dim=-1)  # [N, 3]
        self.angle += 2 * torch.atan2((p - g).norm(dim=-1), (p + g).norm(dim=-1)).sum()
        self.count += valid.sum()

    def compute(self) -> dict[str, float]:
        """Key `mean_angular_error`, in degrees."""
        return {"mean_angular_error": torch.rad2deg(self.angle / self.count).item()}
