"""Aligned-MTL: make the task gradients orthogonal and equally long, as close to the originals as possible.

Senushkin et al., Independent Component Alignment for Multi-Task Learning, CVPR 2023.
https://arxiv.org/abs/2305.19000, Algorithm 1.
"""

from typing import ClassVar

import numpy as np
from torch import Tensor

from mtl.weighters.base import Needs, Update, Weighter, mask
from mtl.weighters.solvers import Problem
from mtl.weighters.solvers.problem import EPS


class AlignedMTL(Weighter):
    """Sums the task gradients after giving all their principal components the length of the shortest one.

    With G = V diag(l) V' the eigendecomposition of the inner products, without eigenvalues that are zero to rounding,

        w = sqrt(min l) V diag(l)^(-1/2) V' 1

    so that the condition number of the combined gradients is 1. Orthogonal gradients are scaled to the shortest; two
    that are nearly parallel or opposed leave a component that is nearly zero, and the update is as short. If they are
    exactly so, that component is dropped. The T x T problem costs next to nothing compared with the gradients. The
    heads train on their own unweighted losses.

    Args:
        num_tasks: Number of tasks T.

    Deviations from the paper: all tasks are preferred equally, with 1 each, as in LibMTL; TorchJD has 1/T. A vanished
    gradient is left out and gets weight 1.
    """

    needs: ClassVar[Needs] = Needs.GRAMIAN
    native: ClassVar = "sum"

    def forward(self, losses: Tensor, gradients: Tensor | None = None, active: Tensor | None = None) -> Update:
        """Weights from the Gramian [T, T]."""
        assert gradients is not None
        problem = Problem.of(gradients, active)
        weights = np.ones(0)
        if problem.norms.size:
            norms = problem.norms / problem.norms.max()
            values, vectors = np.linalg.eigh(problem.cosines * np.outer(norms, norms))
            kept = values > EPS * len(values) * values.max()
            values, vectors = values[kept], vectors[:, kept]
            weights = values.min() ** 0.5 * vectors @ (values**-0.5 * vectors.sum(0))
        return Update(weights=mask(problem.spread(weights, others=1.0, like=gradients), active))
