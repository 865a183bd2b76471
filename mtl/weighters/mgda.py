"""MGDA: the shortest convex combination of the task gradients.

Sener and Koltun, Multi-Task Learning as Multi-Objective Optimization, NeurIPS 2018.
https://arxiv.org/abs/1810.04650, Eq. (3), Algorithm 2.
"""

from typing import ClassVar, Literal

import numpy as np
import torch
from torch import Tensor

from mtl.weighters.base import ZERO, Needs, Update, Weighter, mask, share
from mtl.weighters.solvers import NotSolvedError, Problem, min_norm

NORMALIZATIONS = ("none", "l2", "loss", "loss+")


class MGDA(Weighter):
    """Weights the gradients so that their weighted mean is as short as possible.

        w = argmin |sum_t w_t g_t / s_t|^2    with w_t >= 0, sum_t w_t = 1

    This mean lowers every task's loss, unless it is zero, and then no direction does. Long gradients get small weights:
    if norms differ widely, the shortest gradient alone is the solution. Equal gradients get equal weights.

    Args:
        num_tasks: Number of tasks T.
        normalization: Divisor s_t of the gradients before solving: `none` (1), `l2` (|g_t|), `loss` (L_t) or `loss+`
            (L_t |g_t|).

    Raises:
        ValueError: The normalization is unknown.

    Deviations from the paper: the solver is exact, so a weight can be 0 or 1, even for two tasks. A vanished gradient
    would always be the shortest combination and stop the training of the shared network, so it is left out and gets
    weight 1/T. As in the implementations of the authors of NashMTL and URL, weights found on normalised gradients
    multiply the losses themselves; LibMTL applies them to the normalised gradients. A loss in a divisor counts as at
    least 1e-12 of the largest one, and as 1 if no loss is positive.
    """

    needs: ClassVar[Needs] = Needs.GRAMIAN
    native: ClassVar = "mean"
    failures: Tensor

    def __init__(self, num_tasks: int, normalization: Literal["none", "l2", "loss", "loss+"]) -> None:
        super().__init__(num_tasks)
        if normalization not in NORMALIZATIONS:
            raise ValueError(f"MGDA: normalization must be one of {', '.join(NORMALIZATIONS)}, got {normalization}")
        self.normalization = normalization
        self.register_buffer("failures", torch.zeros((), dtype=torch.int64))

    def forward(self, losses: Tensor, gradients: Tensor | None = None, active: Tensor | None = None) -> Update:
        """Weights from the Gramian [T, T]; they sum to 1 over the tasks whose gradients have not vanished."""
        assert gradients is not None
        problem = Problem.of(gradients, active)
        weights = np.ones(0)
        if problem.norms.size:
            norms = self._normalized(problem, losses)
            try:
                weights = problem.even(min_norm(problem.cosines, norms), norms)
            except NotSolvedError:
                self.failures += 1
                weights = np.full_like(problem.norms, 1 / problem.norms.size)
        found = problem.spread(weights, others=np.nan, like=gradients)  # [T]
        return Update(weights=mask(torch.where(found.isnan(), share(found, active), found), active))

    def diagnostics(self) -> dict[str, float]:
        """Number of steps in which all tasks got 1/T because the solver failed; no such case is known."""
        return {"solver_failures": self.failures.item()}

    def _normalized(self, problem: Problem, losses: Tensor) -> np.ndarray:
        """Norms of the normalised gradients. Shape [K]."""
        norms = np.ones_like(problem.norms) if self.normalization in ("l2", "loss+") else problem.norms
        if self.normalization in ("none", "l2"):
            return norms
        values = losses.detach().double().cpu().numpy()[problem.counted]
        return norms / np.maximum(values, ZERO * values.max()) if values.max() > 0 else norms
