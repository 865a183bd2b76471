"""FairGrad: an alpha-fair update, by analogy to fair bandwidth allocation in networks.

Ban and Ji, Fair Resource Allocation in Multi-Task Learning, ICML 2024.
https://arxiv.org/abs/2402.15638, Algorithm 1.
"""

import math
from typing import Annotated, ClassVar

import numpy as np
import torch
from torch import Tensor

from mtl.weighters.base import Needs, Update, Weighter, mask
from mtl.weighters.limits import Gt
from mtl.weighters.solvers import NotSolvedError, Problem, fair


class FairGrad(Weighter):
    """Weights the gradients so that the decrease of the losses is alpha-fair.

    With d = sum_s w_s g_s and G the inner products of the gradients,

        <g_t, d> = (G w)_t = w_t^(-1 / alpha),  w_t > 0

    so that d maximises sum_t <g_t, d>^(1 - alpha) / (1 - alpha) over directions of its length. alpha = 1 is Nash's
    bargaining; the larger alpha, the more the worst-improved task counts. Shared parameters get d; heads train on
    their own unweighted losses.

    Args:
        num_tasks: Number of tasks T.
        alpha: Exponent of the fairness objective, above 0.

    Raises:
        ValueError: alpha is not positive and finite.

    Deviations from the paper: the authors' code multiplies d by T and clips it to length 1; neither is done here.
    If a convex combination of the gradients is zero there is no finite solution, and if all gradients are tiny the
    weights exceed float32. Then the last solution is used again (1 before the first), and the step is counted. A
    vanished gradient is left out and gets weight 1.
    """

    needs: ClassVar[Needs] = Needs.GRAMIAN
    native: ClassVar = "own"
    solution: Tensor
    failures: Tensor

    def __init__(self, num_tasks: int, alpha: Annotated[float, Gt(0)]) -> None:
        super().__init__(num_tasks)
        if not 0 < alpha < math.inf:
            raise ValueError(f"alpha must be positive and finite, got {alpha}")
        self.alpha = alpha
        self.register_buffer("solution", torch.ones(num_tasks, dtype=torch.float64))
        self.register_buffer("failures", torch.zeros((), dtype=torch.int64))

    def forward(self, losses: Tensor, gradients: Tensor | None = None, active: Tensor | None = None) -> Update:
        """Weights from the Gramian [T, T]."""
        assert gradients is not None
        counted = self.solve(gradients, active)
        return Update(weights=mask(torch.where(counted, self.solution, 1.0).to(gradients), active))

    def solve(self, gradients: Tensor, active: Tensor | None) -> Tensor:
        """Updates the solution for the tasks that have a gradient, and returns their mask. Shape [T], bool."""
        problem = Problem.of(gradients, active)
        weights = np.full_like(problem.norms, np.inf)
        if problem.norms.size:
            try:
                weights = fair(problem.cosines, problem.norms, self.alpha)
            except NotSolvedError:
                self.failures += 1
        found = problem.spread(weights, others=np.nan, like=self.solution)  # [T]: nan no gradient, inf not solved
        self.solution = torch.where(found.isfinite(), found, self.solution)
        return ~found.isnan()

    def diagnostics(self) -> dict[str, float]:
        """Number of steps without a finite solution, which used the last one."""
        return {"solver_failures": self.failures.item()}
