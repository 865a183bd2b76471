"""L1 loss of unit surface normals.

Guo et al., Revisit the Imbalance Optimization in Multi-task Learning, 2025.
https://arxiv.org/abs/2509.23915, appendix, Loss functions.
"""

from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from mtl.losses.base import Loss, full_precision


class NormalsL1(Loss):
    """L1 distance over valid pixels between the prediction, scaled to unit length, and the normal.

    sum over valid pixels of |z / max(|z|_2, 1e-12) - n|_1, valid where n is not exactly 0

    Implementations differ by a factor of 3: `pixel` sums the three channels of a pixel (ATRC, InvPT, SAK), `element`
    averages them (the survey). The count is the number of pixels in both cases.

    Deviations from the paper: it calls this loss "balanced L1" and gives no formula; this is plain L1, as for depth.
    Nor does it say `pixel` or `element`; `pixel` is our choice. AvgNorm can tell them apart, because its weight of
    normals is inversely proportional to this loss. In the paper this weight is 3.3 times that of semseg on NYUD-v2
    (Table VI: 3.97 / 1.22). The first run on NYUD-v2 with `pixel` (`make table6 DATASET=nyud`, whose table has both
    weights) settles it: a ratio near 3.3 confirms `pixel`, one near 1.1 means that the paper uses `element`; 1.9 is
    halfway on a log scale. PASCAL-Context is a second check: 6.5 (Table VII: 11.42 / 1.77) against 2.2.

    Args:
        reduction: `pixel` or `element`.

    Example:
        >>> import torch
        >>> prediction = torch.tensor([0.0, 0.0, 5.0]).reshape(1, 3, 1, 1)  # its length does not matter
        >>> target = torch.tensor([0.0, 1.0, 0.0]).reshape(1, 3, 1, 1)
        >>> NormalsL1(reduction="pixel")(prediction, target)
        (tensor(2.), tensor(1))
    """

    fill = 0.0

    def __init__(self, reduction: Literal["pixel", "element"]) -> None:
        super().__init__()
        if reduction not in ("pixel", "element"):
            raise ValueError(f"reduction must be 'pixel' or 'element', got {reduction!r}")
        self.share = 1.0 if reduction == "pixel" else 1 / 3  # weight of a pixel's channel sum

    def forward(self, prediction: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
        """Loss of vectors [B, 3, H, W] of any length against normals [B, 3, H, W]."""
        valid = self.valid(target)[:, 0]  # [B, H, W]
        direction = F.normalize(full_precision(prediction), dim=1, eps=1e-12)
        error = (direction - target).abs().sum(dim=1)  # [B, H, W]
        return self.share * torch.where(valid, error, 0.0).sum(), valid.sum()
