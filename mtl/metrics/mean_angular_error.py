"""Mean angle between predicted and true surface normals."""

import torch
import torch.nn.functional as F
from torch import Tensor

from mtl.metrics.base import TaskMetric


class MeanAngularError(TaskMetric):
    """Mean angular error of surface normals, in degrees.

    mean over all valid pixels of the split of 2 * atan2(|p - g|, |p + g|), with p and g scaled to length one;
    valid where g is not exactly 0. Unlike the arc cosine of the dot product it is precise near 0 and 180 degrees.

    Which pixels are 0 is decided by the dataset alone, and the preset names that choice: `strict` and `invpt`
    (`dataset.png_normals`) differ in the grey pixels of 8-bit normals, so their numbers are not comparable.

    Args:
        preset: Name of the choice; `marked` where the dataset marks its invalid pixels and there is nothing to choose.
    """

    primary = "mean_angular_error"
    higher_is_better = False
    fill = 0.0

    def __init__(self, preset: str = "marked") -> None:
        super().__init__()
        self.preset = preset
        self.add_state("angle", torch.zeros((), dtype=torch.float64), dist_reduce_fx="sum")
        self.add_state("count", torch.zeros((), dtype=torch.int64), dist_reduce_fx="sum")

    def update(self, prediction: Tensor, target: Tensor) -> None:
        """Adds vectors [B, 3, H, W] of any length against normals [B, 3, H, W] of any length."""
        valid = self.valid(target)[:, 0]  # [B, H, W]
        p = F.normalize(prediction.movedim(1, -1)[valid].double(), dim=-1)  # [N, 3]
        g = F.normalize(target.movedim(1, -1)[valid].double(), dim=-1)  # [N, 3]
        self.angle += 2 * torch.atan2((p - g).norm(dim=-1), (p + g).norm(dim=-1)).sum()
        self.count += valid.sum()

    def compute(self) -> dict[str, float]:
        """Key `mean_angular_error`, in degrees."""
        return {"mean_angular_error": torch.rad2deg(self.angle / self.count).item()}
