"""DTP: raise the weight of the tasks that are predicted worst.

Guo et al., Dynamic Task Prioritization for Multitask Learning, ECCV 2018.
"""

import math
from collections.abc import Sequence
from typing import Annotated, ClassVar

import torch
from torch import Tensor

from mtl.weighters.base import Needs, Update, Weighter, mask
from mtl.weighters.limits import Ge, Interval

LOWEST, HIGHEST = 0.01, 0.99  # between which a KPI keeps its task trained and its weight finite


class DTP(Weighter):
    """Weights each task by a focal loss of its key performance indicator (KPI), a share from 0 to 1.

    With k_t the KPI of task t in this batch,

        e_t <- alpha k_t + (1 - alpha) e_t,    w_t = -(1 - e_t)^gamma log e_t

    e_t starts at the first k_t and is limited to 0.01 to 0.99 in the weight, so w_t is between 0.0001 and 4.6 for
    gamma 1. It costs counting pixels of the batch, so a step takes about as long as with uniform weights. In a loop of
    your own, call `observe` before `mtl.backward`.

    Args:
        num_tasks: Number of tasks T.
        alpha: Share of the new KPI in the average.
        gamma: How strongly tasks of a high KPI are reduced, for all tasks or for each, in task order.

    Raises:
        ValueError: `alpha` is not above 0 and up to 1, a `gamma` is negative or not finite, or their number is not T.

    Deviations from the paper:

    - There is no code of the authors, and the paper's KPIs of dense tasks are those of its own tasks. Ours are pixel
      accuracy of classes, the F-measure of probabilities above 0.5, the share of pixels within a factor 1.25 for depth
      and other quantities, and the share within 30 degrees for normals, counted in the training batch.
    - The focal term of single examples, which changes the losses, is left out.
    - Until a task has a KPI, its weight is 1.
    """

    needs: ClassVar[Needs] = Needs.LOSSES
    native: ClassVar = "own"
    judges: ClassVar[bool] = True
    gamma: Tensor
    average: Tensor
    known: Tensor

    def __init__(
        self,
        num_tasks: int,
        alpha: Annotated[float, Interval(gt=0, le=1)],
        gamma: Annotated[float, Ge(0)] | Sequence[Annotated[float, Ge(0)]],
    ) -> None:
        super().__init__(num_tasks)
        if not 0 < alpha <= 1:
            raise ValueError(f"alpha must be above 0 and up to 1, got {alpha}")
        exponents = [gamma] * num_tasks if isinstance(gamma, int | float) else list(gamma)
        if len(exponents) != num_tasks or not all(0 <= exponent < math.inf for exponent in exponents):
            raise ValueError(f"gamma must be finite, 0 or above, one number or {num_tasks} of them, got {gamma}")
        self.alpha = alpha
        self.register_buffer("gamma", torch.tensor(exponents, dtype=torch.float64), persistent=False)
        self.register_buffer("average", torch.zeros(num_tasks, dtype=torch.float64))
        self.register_buffer("known", torch.zeros(num_tasks, dtype=torch.bool))
        self.kpis: Tensor | None = None  # [T] of the batch

    def observe(self, kpis: Tensor) -> None:
        """Takes the KPIs of the batch; see `Weighter.observe`."""
        self.kpis = kpis.detach().to(self.average)

    def forward(self, losses: Tensor, gradients: Tensor | None = None, active: Tensor | None = None) -> Update:
        """Weights from the averages up to and including this step.

        Raises:
            ValueError: `observe` was not called.
        """
        if self.kpis is None:
            raise ValueError(
                "DTP needs the KPI of every task in the batch: call weighter.observe(kpis) before backward"
            )
        kpis, self.kpis = self.kpis, None
        new = torch.isfinite(kpis) if active is None else torch.isfinite(kpis) & active  # [T]
        share = torch.ones_like(kpis).masked_fill(self.known, self.alpha)
        self.average = torch.where(new, share * kpis + (1 - share) * self.average, self.average)
        self.known = self.known | new
        expected = self.average.clamp(LOWEST, HIGHEST)
        weights = torch.where(self.known, -((1 - expected) ** self.gamma) * expected.log(), 1.0)
        return Update(weights=mask(weights, active).to(losses))
