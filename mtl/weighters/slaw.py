"""SLAW: weight each loss by its variation, as an estimate of its gradient norm.

Crawshaw and Kosecka, SLAW: Scaled Loss Approximate Weighting for Efficient Multi-Task Learning, 2021.
https://arxiv.org/abs/2109.08218; averages as in the authors' code, https://github.com/mtcrawshaw/meta.
"""

from typing import Annotated, ClassVar

import torch
from torch import Tensor

from mtl.weighters.base import Needs, Update, Weighter, mask
from mtl.weighters.limits import Ge, Interval

EPS = 1e-5  # smallest standard deviation


class SLAW(Weighter):
    """Divides each loss by its standard deviation over past steps, an estimate of its gradient norm.

    With the averages of l_t and l_t^2 up to and including this step, and T active tasks,

        s_t = max(sqrt(avg(l_t^2) - avg(l_t)^2), 1e-5),    w_t = T (1 / s_t) / sum_j (1 / s_j)

    In a task's first `plain_steps` steps the averages are arithmetic means; after that they are moving averages:
    avg <- beta avg + (1 - beta) value. A single loss has no deviation, so in the first step all weights are 1. Losses
    may be negative. If no loss varies by more than 1e-5, all weights are 1.

    Args:
        num_tasks: Number of tasks T.
        beta: Share of the past in the moving averages.
        plain_steps: Steps with arithmetic means. None: the span of the moving averages, 1 / (1 - beta), rounded.

    Raises:
        ValueError: `beta` is not between 0 and 1, or `plain_steps` is not a whole number from 1.

    Deviations from the paper: none from the authors' code except in edge cases. The variance v_t is updated directly,
    v_t <- (1 - r) (v_t + r (l_t - avg(l_t))^2) with r the share of the new loss, so it is never negative. Theirs, the
    difference of two averages, can become negative by rounding, and then they keep the previous weights. Steps are
    counted per task. A task in its first step has weight 1, and the others are weighted among themselves.
    """

    needs: ClassVar[Needs] = Needs.LOSSES
    native: ClassVar = "sum"
    steps: Tensor
    average: Tensor
    variance: Tensor

    def __init__(
        self,
        num_tasks: int,
        beta: Annotated[float, Interval(gt=0, lt=1)],
        plain_steps: Annotated[int, Ge(1)] | None = None,
    ) -> None:
        super().__init__(num_tasks)
        if not 0 < beta < 1:
            raise ValueError(f"beta must be above 0 and below 1, got {beta}")
        plain_steps = round(1 / (1 - beta)) if plain_steps is None else plain_steps
        if plain_steps < 1 or plain_steps != int(plain_steps):
            raise ValueError(
                f"plain_steps must be a whole number from 1, or null for 1 / (1 - beta), got {plain_steps}"
            )
        self.beta, self.plain_steps = beta, int(plain_steps)
        for name in ("steps", "average", "variance"):
            self.register_buffer(name, torch.zeros(num_tasks, dtype=torch.float64))

    def forward(self, losses: Tensor, gradients: Tensor | None = None, active: Tensor | None = None) -> Update:
        """Weights from the variances up to and including this step."""
        active = torch.ones_like(losses, dtype=torch.bool) if active is None else active
        self.steps = self.steps + active
        share = torch.where(self.steps <= self.plain_steps, 1 / self.steps.clamp(min=1), 1 - self.beta)  # [T]
        change = mask(losses.detach().double() - self.average, active)  # [T]
        variance = (1 - share) * (self.variance + share * change.square())
        self.variance = torch.where(active, variance, self.variance)
        self.average = self.average + share * change

        varying = active & (self.steps > 1)  # the others have had only one loss
        inverse = mask(1 / self.variance.sqrt().clamp(min=EPS), varying)  # [T]
        weights = torch.where(varying, varying.sum() * inverse / inverse.sum(), 1.0)
        return Update(weights=mask(weights, active).to(losses))
