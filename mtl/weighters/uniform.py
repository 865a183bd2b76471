"""Uniform: every task weighs the same, the baseline of every multi-task paper."""

from typing import ClassVar

import torch
from torch import Tensor

from mtl.weighters.base import Needs, Update, Weighter, mask


class Uniform(Weighter):
    """Adds the losses up as they are: w_t = 1.

    Deviations from the paper: none.
    """

    needs: ClassVar[Needs] = Needs.LOSSES
    native: ClassVar = "sum"
    constant: ClassVar[bool] = True

    def forward(self, losses: Tensor, gradients: Tensor | None = None, active: Tensor | None = None) -> Update:
        """Weight 1 for every active task."""
        return Update(weights=mask(torch.ones_like(losses), active))
