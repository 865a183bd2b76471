"""NashMTL: the update on which the tasks would agree in a bargain.

Navon et al., Multi-Task Learning as a Bargaining Game, ICML 2022.
https://arxiv.org/abs/2202.01017, Claim 3.1, Algorithm 1.
"""

import math

import torch
from torch import Tensor

from mtl.weighters.base import Update, alive, mask
from mtl.weighters.fairgrad import FairGrad


class NashMTL(FairGrad):
    """Weighs the gradients as in Nash's bargaining solution, which no unit of the losses can change.

    With G the inner products of the gradients and d = sum_t a_t g_t the shared update,

        a_t (G a)_t = a_t <g_t, d> = 1,  a_t > 0

    which is FairGrad with alpha = 1. Heads get the weights a; d is clipped to a largest length.

    Args:
        num_tasks: Number of tasks T.
        max_norm: Largest length of d, at the scope where the gradients are taken; 0 does not clip. Unclipped it is the
            square root of the number of tasks.
        update_every: Solve in every so many steps and use the solution again in between.

    Raises:
        ValueError: max_norm is negative or not finite, or update_every below 1.

    Deviations from the paper: the equation is solved by Newton's method and not by a sequence of convex programs.
    Where a mixture of the gradients is zero it has no finite solution: the last solution is used again, 1 before the
    first, and the step is counted. A vanished gradient is left out and gets weight 1. Only steps with an active task
    count for `update_every`; a task that had no gradient when the others were solved keeps its old weight until then.
    """

    def __init__(self, num_tasks: int, max_norm: float, update_every: int) -> None:
        super().__init__(num_tasks, alpha=1.0)
        if not 0 <= max_norm < math.inf:
            raise ValueError(f"max_norm must not be negative, and finite, got {max_norm}")
        if update_every < 1 or update_every != int(update_every):
            raise ValueError(f"update_every must be a whole number from 1, got {update_every}")
        self.max_norm, self.update_every = max_norm, int(update_every)
        self.register_buffer("steps", torch.zeros((), dtype=torch.int64))

    def forward(self, losses: Tensor, gradients: Tensor, active: Tensor | None = None) -> Update:
        """Weights from the Gramian [T, T], which stays on its device in the steps between two solutions."""
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
