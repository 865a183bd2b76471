"""Angle between predicted and true surface normals: mean, median, and share of pixels below given bounds."""

import torch
import torch.nn.functional as F
from torch import Tensor

from mtl.metrics.base import TaskMetric

BINS = 100  # per degree, so that the bounds in `WITHIN` are bin edges
WITHIN = {"within_11_25": 11.25, "within_22_5": 22.5, "within_30": 30}  # degrees


class MeanAngularError(TaskMetric):
    """Mean angular error of surface normals, in degrees.

    Mean of 2 * atan2(|p - g|, |p + g|) over all valid pixels of the split, with p and g scaled to unit length. A pixel
    is valid if g is not exactly 0. Unlike the arc cosine of the dot product, this is precise near 0 and 180 degrees.

    A histogram of the angles with bins of 0.01 degrees gives, over the same pixels (Fouhey et al., Data-Driven 3D
    Primitives for Single Image Understanding, ICCV 2013, https://doi.org/10.1109/ICCV.2013.421):

    - `median_angular_error`: centre of the bin that contains the median, or the mean of two bin centres if the number
      of pixels is even. It differs from the exact median by at most 0.005 degrees.
    - `within_11_25`, `within_22_5`, `within_30`: share of pixels with an angle below that bound, in percent. These are
      exact because the bounds are bin edges.

    A predicted vector with a NaN makes the mean NaN and counts as 180 degrees in the histogram.

    The dataset alone decides which pixels are 0, and the preset names that choice: `strict` and `invpt`
    (`dataset.png_normals`) treat the grey pixels of 8-bit normals differently, so their values are not comparable.

    Args:
        preset: Name of the choice; `marked` if the dataset marks its invalid pixels, so that there is no choice.
    """

    primary = "mean_angular_error"
    higher_is_better = False
    fill = 0.0
    angle: Tensor
    bins: Tensor
    count: Tensor

    def __init__(self, preset: str = "marked") -> None:
        super().__init__()
        self.preset = preset
        self.register_buffer("angle", torch.zeros((), dtype=torch.float64))
        self.register_buffer("bins", torch.zeros(180 * BINS + 1, dtype=torch.int64))  # the last is 180
        self.register_buffer("count", torch.zeros((), dtype=torch.int64))

    @torch.no_grad()
    def update(self, prediction: Tensor, target: Tensor) -> None:
        """Add predicted vectors [B, 3, H, W] and true normals [B, 3, H, W], both of any length."""
        valid = self.valid(target)[:, 0]  # [B, H, W]
        p = F.normalize(prediction.movedim(1, -1)[valid].double(), dim=-1)  # [N, 3]
        g = F.normalize(target.movedim(1, -1)[valid].double(), dim=-1)  # [N, 3]
        half = torch.atan2((p - g).norm(dim=-1), (p + g).norm(dim=-1))  # [N], radians
        self.angle += 2 * half.sum()
        bins = (torch.rad2deg(half).nan_to_num(90) * (2 * BINS)).long()
        self.bins += torch.bincount(bins, minlength=len(self.bins))
        self.count += valid.sum()

    def values(self) -> dict[str, float]:
        """Keys `mean_angular_error` and `median_angular_error`, in degrees, and `within_...`, in percent."""
        below = self.bins.cumsum(dim=0)  # number of pixels up to and including each bin
        share = 100 * below.double() / self.count
        middle = torch.stack([self.count + 1, self.count + 2]) // 2  # ranks, counted from 1
        median = (torch.searchsorted(below, middle) + 0.5).double().mean() / BINS
        return {
            "mean_angular_error": torch.rad2deg(self.angle / self.count).item(),
            "median_angular_error": median.item() if self.count else float("nan"),
            **{key: share[round(bound * BINS) - 1].item() for key, bound in WITHIN.items()},
        }
