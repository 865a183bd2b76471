"""CAGrad: the direction near the mean gradient that most improves the worst-improved task.

Liu et al., Conflict-Averse Gradient Descent for Multi-task Learning, NeurIPS 2021.
https://arxiv.org/abs/2110.14048, Algorithm 1.
"""

import math
from typing import Annotated, ClassVar, Literal

import numpy as np
import torch
from torch import Tensor

from mtl.weighters.base import Needs, Update, Weighter, mask, share
from mtl.weighters.limits import Ge
from mtl.weighters.solvers import NotSolvedError, Problem, conflict_averse


class CAGrad(Weighter):
    """Maximises the smallest decrease of any task's loss over directions d in a ball around the mean gradient g0.

        maximise over d: min_t <g_t, d>    with |d - g0| <= c |g0|

    The solution is d = g0 + c |g0| g_w / |g_w| with g_w = sum_t w_t g_t a convex combination, so it is
    sum_t k_t g_t with coefficients k_t = 1/T + c |g0| w_t / |g_w|, finally divided by 1, 1 + c^2 or 1 + c.

    The heads train on their own unweighted losses. With `heads=weighted`, the coefficients k_t apply to them, too.

    Args:
        num_tasks: Number of tasks T.
        c: Radius of the ball in units of |g0|; 0 is the mean gradient, and 1 or more gives up convergence to a
            minimum of the mean loss.
        rescale: Divisor of the result: 0 for none, 1 for 1 + c^2, 2 for 1 + c.

    Raises:
        ValueError: c is negative or not finite, or rescale is not 0, 1 or 2.

    Deviations from the paper: d is g0 if g0 = 0, or if a convex combination of the gradients is zero, so that no
    direction improves all tasks (g_w = 0). It is also g0 if the solver fails; such steps are counted. A vanished
    gradient is left out and gets weight 1/T. The problem is solved exactly; SLSQP, which most implementations use,
    stays at w = 1/T if norms differ by a factor of 1e4, and TorchJD then skips the step.
    """

    needs: ClassVar[Needs] = Needs.GRAMIAN
    native: ClassVar = "mean"
    failures: Tensor

    def __init__(self, num_tasks: int, c: Annotated[float, Ge(0)], rescale: Literal[0, 1, 2]) -> None:
        super().__init__(num_tasks)
        if not 0 <= c < math.inf:
            raise ValueError(f"CAGrad: c must be a finite number, 0 or above, got {c}")
        if rescale not in (0, 1, 2):
            raise ValueError(f"CAGrad: rescale must be 0, 1 or 2, got {rescale}")
        self.c, self.divisor = c, {0: 1.0, 1: 1.0 + c**2, 2: 1.0 + c}[rescale]
        self.register_buffer("failures", torch.zeros((), dtype=torch.int64))

    def forward(self, losses: Tensor, gradients: Tensor | None = None, active: Tensor | None = None) -> Update:
        """Coefficients from the Gramian [T, T]."""
        assert gradients is not None
        problem = Problem.of(gradients, active)
        coefficients = np.ones(0)
        if problem.norms.size:
            try:
                coefficients = problem.even(self.solve(problem), problem.norms)
            except NotSolvedError:
                self.failures += 1
                coefficients = np.full_like(problem.norms, 1 / problem.norms.size)
        coefficients = problem.spread(coefficients * problem.norms.size / self.divisor, others=1.0, like=gradients)
        shared = mask(coefficients * share(coefficients, active), active)  # the mean is over all active tasks
        return Update(weights=shared, shared_weights=shared)

    def solve(self, problem: Problem) -> np.ndarray:
        """Coefficients of d before it is divided. Shape [K].

        Raises:
            NotSolvedError: The solver failed.
        """
        return conflict_averse(problem.cosines, problem.norms, self.c)

    def diagnostics(self) -> dict[str, float]:
        """Number of steps that used the mean gradient because the solver failed; no such case is known."""
        return {"solver_failures": self.failures.item()}
