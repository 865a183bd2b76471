"""UW: learn the uncertainty of each task, and weight its loss by the inverse.

Kendall et al., Multi-Task Learning Using Uncertainty to Weigh Losses for Scene Geometry and Semantics, CVPR 2018.
https://arxiv.org/abs/1705.07115, Eq. (7).
"""

import math
from typing import ClassVar

import torch
from torch import Tensor, nn

from mtl.weighters.base import Needs, Update, Weighter, mask

LIMIT = 80.0  # of the exponent: exp(80) and exp(-80) are still float32 numbers


class UW(Weighter):
    """Divides each loss by a variance learned together with the network.

    With s_t = log sigma_t^2, trained by the main optimizer without weight decay, the objective is

        sum_t l_t exp(-s_t) / 2 + s_t / 2,    so    w_t = exp(-s_t) / 2

    Its minimum is at exp(s_t) = l_t, that is w_t = 1 / (2 l_t). A loss of exactly 0 has no optimum: s_t decreases
    forever. The exponent is clamped to +-80 but its derivative is not, so weights stay finite and s_t can recover.
    The optimizer's momentum may still move the s_t of an inactive task, although its gradient is 0.

    Args:
        num_tasks: Number of tasks T.
        init: Initial value of every s_t.

    Raises:
        ValueError: `init` is not finite.

    Deviations from the paper: its Eq. (10) gives classification losses the factor 1; here every loss has 1/2, as in
    the code published with MTAN. The weight is the factor of the loss, so it includes the 1/2. The example code by one
    of the authors starts every s_t at 0 and minimises twice this objective; our initial value, -0.5, is MTAN's.
    """

    needs: ClassVar[Needs] = Needs.LOSSES
    native: ClassVar = "own"

    def __init__(self, num_tasks: int, init: float) -> None:
        super().__init__(num_tasks)
        if not math.isfinite(init):
            raise ValueError(f"init must be a finite number, got {init}")
        self.s = nn.Parameter(torch.full((num_tasks,), float(init), dtype=torch.float64))

    def forward(self, losses: Tensor, gradients: Tensor | None = None, active: Tensor | None = None) -> Update:
        """Weights from the current variances, and the objective that trains them."""
        losses = losses.detach()
        precision = (-bounded(self.s, losses)).exp()  # [T]
        objective = (losses * precision + self.s) / 2  # [T]
        weights = (precision.detach() / 2).to(losses)
        return Update(weights=mask(weights, active), penalty=mask(objective, active).sum())


def bounded(exponent: Tensor, losses: Tensor) -> Tensor:
    """The exponent clamped to +-`LIMIT`, with the derivative of the unclamped one, in the finer dtype. Shape [T]."""
    exponent = exponent.to(torch.promote_types(exponent.dtype, losses.dtype))
    return exponent.detach().clamp(-LIMIT, LIMIT) + (exponent - exponent.detach())
