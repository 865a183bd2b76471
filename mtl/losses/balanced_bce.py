"""Binary cross-entropy with a fixed class weight."""

from typing import Annotated

import torch
import torch.nn.functional as F
from annotated_types import Interval
from torch import Tensor

from mtl.losses.base import Loss, full_precision


class BalancedBCE(Loss):
    """Binary cross-entropy over valid pixels with a fixed weight of the positive class, because edges are rare.

    sum over valid pixels of w * y * softplus(-z) + (1 - w) * (1 - y) * softplus(z)

    Args:
        positive_weight: Weight w of the positive pixels, in (0, 1).
    """

    def __init__(self, positive_weight: Annotated[float, Interval(gt=0, lt=1)]) -> None:
        super().__init__()
        if not 0 < positive_weight < 1:
            raise ValueError(f"positive_weight must be between 0 and 1, got {positive_weight}")
        self.positive_weight = positive_weight

    def forward(self, prediction: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
        """Loss of one logit [B, 1, H, W] against a mask [B, 1, H, W]."""
        prediction = full_precision(prediction)
        missed = self.positive_weight * F.softplus(-prediction)
        false_alarm = (1 - self.positive_weight) * F.softplus(prediction)
        valid = self.valid(target)
        loss = torch.where(target == 1, missed, false_alarm)
        return torch.where(valid, loss, 0.0).sum(), valid.sum()
