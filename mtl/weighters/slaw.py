"""SLAW: weigh by how much each loss varies, in place of its gradient norm.

Crawshaw and Kosecka, SLAW: Scaled Loss Approximate Weighting for Efficient Multi-Task Learning, 2021.
https://arxiv.org/abs/2109.08218.
"""

from typing import ClassVar

import torch
from torch import Tensor

from mtl.weighters.base import Needs, Update, Weighter, mask

EPS = 1e-5  # a loss that varies less than this counts as varying this much


class SLAW(Weighter):
    """Divides each loss by its standard deviation over the past steps, a stand-in for its gradient norm.

    With moving averages that begin at 0, updated before they are used, and T active tasks,

        a_t <- beta a_t + (1 - beta) l_t^2,    b_t <- beta b_t + (1 - beta) l_t
        s_t = max(sqrt(a_t - b_t^2), 1e-5),    w_t = T (1 / s_t) / sum_j (1 / s_j)

    The averages are not corrected for their beginning, so at first s_t measures the size of the loss. A negative
    loss is as good as a positive one. Where no loss varies by more than 1e-5, all weights are 1.

    Args:
        num_tasks: Number of tasks T.
        beta: Share of the past in the moving averages.

    Raises:
        ValueError: `beta` is not between 0 and 1.

    Deviations from the paper: v_t = a_t - b_t^2 is carried along itself, v_t <- beta (v_t + (1 - beta) (l_t - b_t)^2),
    the same number without the difference of two large ones, which for a large and steady loss is all rounding.
    """

    needs: ClassVar[Needs] = Needs.LOSSES
    native: ClassVar = "sum"

    def __init__(self, num_tasks: int, beta: float) -> None:
        super().__init__(num_tasks)
        if not 0 < beta < 1:
            raise ValueError(f"beta must lie between 0 and 1, both excluded, got {beta}")
        self.beta = beta
        self.register_buffer("b", torch.zeros(num_tasks, dtype=torch.float64))
        self.register_buffer("v", torch.zeros(num_tasks, dtype=torch.float64))

    def forward(self, losses: Tensor, gradients: Tensor | None = None, active: Tensor | None = None) -> Update:
        """Weights from the variances up to and with this step."""
        active = torch.ones_like(losses, dtype=torch.bool) if active is None else active
        change = mask(losses.detach().double() - self.b, active)  # [T]
        variance = self.beta * (self.v + (1 - self.beta) * change.square())
        self.v = torch.where(active, variance, self.v)
        self.b = self.b + (1 - self.beta) * change

        inverse = mask(1 / self.v.sqrt().clamp(min=EPS), active)  # [T]
        weights = active.sum() * inverse / inverse.sum()
        return Update(weights=mask(weights, active).to(losses))
