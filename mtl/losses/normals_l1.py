"""L1 distance between unit surface normals."""

from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from mtl.losses.base import Loss, full_precision


class NormalsL1(Loss):
    """Compares directions: the prediction is scaled to length one first, so its length is free.

    sum over valid pixels of |z / max(|z|_2, 1e-12) - n|_1, valid where |n|_2 > 0.1

    Implementations differ by a factor 3, which matters for task weights: `pixel` adds the three channels up,
    `element` takes their mean. The count is the number of pixels in both cases.

    Args:
        reduction: `pixel` or `element`.
    """

    def __init__(self, reduction: Literal["pixel", "element"]) -> None:
        super().__init__()
        if reduction not in ("pixel", "element"):
            raise ValueError(f"reduction must be 'pixel' or 'element', got {reduction!r}")
        self.share = 1.0 if reduction == "pixel" else 1 / 3  # of a pixel's channel sum

    def forward(self, prediction: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
        """Loss of vectors [B, 3, H, W] of any length against unit normals [B, 3, H, W]."""
        valid = target.norm(dim=1) > 0.1  # [B, H, W]
        direction = F.normalize(full_precision(prediction), dim=1, eps=1e-12)
        error = (direction - target).abs().sum(dim=1)  # [B, H, W]
        return self.share * torch.where(valid, error, 0.0).sum(), valid.sum()
