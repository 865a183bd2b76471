"""Uniform: equal weights, the baseline of multi-task papers."""

from typing import ClassVar

import torch
from torch import Tensor

from mtl.weighters.base import Needs, Update, Weighter, mask


class Uniform(Weighter):
    """Sums the losses without weights: w_t = 1.

    Deviations from the paper: none.
    """

    needs: ClassVar[Needs] = Needs.LOSSES
    native: ClassVar = "sum"
    constant: ClassVar[bool] = True

    def forward(self, losses: Tensor, gradients: Tensor | None = None, active: Tensor | None = None) -> Update:
        """Weight 1 for every active task."""
        return Update(weights=mask(torch.ones_like(losses), active))
