"""Bilinear resizing of feature maps, and joining maps of several resolutions."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor


def resize(x: Tensor, size: Sequence[int]) -> Tensor:
    """Map [B, C, *size], bilinear, of a map [B, C, H, W]."""
    return F.interpolate(x, size=list(size), mode="bilinear", align_corners=False)


def concatenate(maps: Sequence[Tensor]) -> Tensor:
    """Map [B, sum of C_i, H, W] at the size of the first of some maps [B, C_i, H_i, W_i]."""
    first, *others = maps
    return torch.cat([first, *(resize(m, first.shape[-2:]) for m in others)], dim=1)
