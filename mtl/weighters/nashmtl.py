"""NashMTL: the Nash bargaining solution of the task gradients.

Navon et al., Multi-Task Learning as a Bargaining Game, ICML 2022.
https://arxiv.org/abs/2202.01017, Claim 3.1, Algorithm 1.
"""

import math
from typing import Annotated

import torch
from torch import Tensor

from mtl.weighters.base import Update, alive, mask
from mtl.weighters.fairgrad import FairGrad
from mtl.weighters.limits import Ge


class NashMTL(FairGrad):
    """Weights the gradients by Nash's bargaining solution, which does not depend on the scale of the losses.

    With G the inner products of the gradients and d = sum_t a_t g_t the shared update,

        a_t (G a)_t = a_t <g_t, d> = 1,  a_t > 0

    which is FairGrad with alpha = 1. Heads get the weights a; d is clipped to a maximum length.

    Args:
        num_tasks: Number of tasks T.
        max_norm: Maximum length of d, at the scope where the gradients are taken; 0 disables clipping. The unclipped
            length is the square root of the number of tasks.
        update_every: Number of steps between two solutions; the last solution is used in between.

    Raises:
        ValueError: max_norm is negative or not finite, or update_every is not a whole number from 1.

    Deviations from the paper: the equation is solved by Newton's method instead of a sequence of convex programs. If a
    convex combination of the gradients is zero there is no finite solution; then the last solution is used again (1
    before the first), and the step is counted. A vanished gradient is left out and gets weight 1. Only steps with an
    active task count for `update_every`; a task without a gradient at a solution keeps its weight until the next one.
    """

    steps: Tensor

    def __init__(self, num_tasks: int, max_norm: Annotated[float, Ge(0)], update_every: Annotated[int, Ge(1)]) -> None:
        super().__init__(num_tasks, alpha=1.0)
        if not 0 <= max_norm < math.inf:
            raise ValueError(f"max_norm must be a finite number, 0 or above, got {max_norm}")
        if update_every < 1 or update_every != int(update_every):
            raise ValueError(f"update_every must be a whole number from 1, got {update_every}")
        self.max_norm, self.update_every = max_norm, int(update_every)
        self.register_buffer("steps", torch.zeros((), dtype=torch.int64))

    def forward(self, losses: Tensor, gradients: Tensor | None = None, active: Tensor | None = None) -> Update:
        """Weights from the Gramian [T, T], which stays on its device in the steps between two solutions."""
        assert gradients is not None
        if self.update_every == 1 or self.steps % self.update_every == 0:
            counted = self.solve(gradients, active)
        else:
            counted = alive(gradients.diagonal().sqrt(), active)
        self.steps = self.steps + (1 if active is None else active.any())
        weights = mask(torch.where(counted, self.solution, 1.0), active)  # [T], float64
        if not self.max_norm:
            return Update(weights=weights.to(gradients))
        ours = mask(weights, counted)
        length = (ours @ gradients.to(ours) @ ours).clamp(min=0).sqrt()
        share = (self.max_norm / length).clamp(max=1)
        return Update(weights=weights.to(gradients), shared_weights=(share * weights).to(gradients))
