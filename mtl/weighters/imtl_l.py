"""IMTL-L: learn factors that bring all losses to the same scale.

Liu et al., Towards Impartial Multi-task Learning, ICLR 2021.
https://openreview.net/forum?id=IMPnRXEWpvr, loss balance.
"""

from typing import ClassVar

import torch
from torch import Tensor, nn

from mtl.weighters.base import Needs, Update, Weighter, mask
from mtl.weighters.uw import bounded


class IMTLL(Weighter):
    """Multiplies each loss by a factor, learned together with the network, that drives the product towards 1.

    With s_t from 0, trained by the main optimizer without weight decay, the objective is

        sum_t exp(s_t) l_t - s_t,    so    w_t = exp(s_t)

    Its minimum is at w_t = 1 / l_t. This is twice UW's objective with s_t in place of -s_t. As in UW, a loss of exactly
    0 has no optimum, the exponent (not its derivative) is clamped to +-80, and the optimizer's momentum may still move
    the s_t of an inactive task.

    Args:
        num_tasks: Number of tasks T.

    Deviations from the paper: none; the base of its factors is e.
    """

    needs: ClassVar[Needs] = Needs.LOSSES
    native: ClassVar = "own"

    def __init__(self, num_tasks: int) -> None:
        super().__init__(num_tasks)
        self.s = nn.Parameter(torch.zeros(num_tasks, dtype=torch.float64))

    def forward(self, losses: Tensor, gradients: Tensor | None = None, active: Tensor | None = None) -> Update:
        """The current factors, and the objective that trains them."""
        losses = losses.detach()
        factors = bounded(self.s, losses).exp()  # [T]
        objective = factors * losses - self.s  # [T]
        return Update(weights=mask(factors.detach().to(losses), active), penalty=mask(objective, active).sum())
