"""L1 loss over valid pixels.

Guo et al., Revisit the Imbalance Optimization in Multi-task Learning, 2025.
https://arxiv.org/abs/2509.23915, appendix, Loss functions.
"""

import torch
from torch import Tensor

from mtl.losses.base import Loss, full_precision


class MaskedL1(Loss):
    """Absolute error over valid pixels, in the unit of the label.

    sum over valid pixels of |z - d|, valid where d is not the fill: 0 of depth. The output is linear: no
    activation, no logarithm.

    Deviations from the paper: it calls this loss "balanced L1" and gives no formula. No code that it builds on has a
    balanced L1, so this is plain L1 over valid pixels.
    """

    fill = 0.0

    def forward(self, prediction: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
        """Loss of predictions [B, 1, H, W] against labels [B, 1, H, W], such as depth in metres."""
        valid = self.valid(target)
        error = (full_precision(prediction) - target).abs()
        return torch.where(valid, error, 0.0).sum(), valid.sum()
