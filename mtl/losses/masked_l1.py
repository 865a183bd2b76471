"""L1 distance over the pixels that were measured."""

import torch
from torch import Tensor

from mtl.losses.base import Loss, full_precision


class MaskedL1(Loss):
    """Counts every metre of depth error alike, and no pixel without a measurement.

    sum over valid pixels of |z - d|, valid where d > 0. The output is linear: no activation, no logarithm.
    """

    def forward(self, prediction: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
        """Loss of depth [B, 1, H, W] in metres against depth [B, 1, H, W]."""
        valid = target > 0
        error = (full_precision(prediction) - target).abs()
        return torch.where(valid, error, 0.0).sum(), valid.sum()
