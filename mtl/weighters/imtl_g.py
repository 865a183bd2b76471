"""IMTL-G: a shared update that projects equally on every task's gradient.

Liu et al., Towards Impartial Multi-task Learning, ICLR 2021.
https://openreview.net/forum?id=IMPnRXEWpvr, gradient balance (IMTL-G).
Quinton and Rey, Jacobian Descent for Multi-Objective Optimization, 2024: dependent gradients by a pseudoinverse.
https://arxiv.org/abs/2406.16232
"""

from typing import ClassVar

import torch
from torch import Tensor

from mtl.weighters.base import Needs, Update, Weighter, alive, mask, share

DEPENDENT = 1e-12  # an eigenvalue of the cosines up to this counts as zero
CANCELLED = 1e-13  # a sum up to this fraction of its absolute terms counts as zero


class IMTLG(Weighter):
    """Weights the gradients so that their sum has the same projection onto each of them.

    With n_t = |g_t|, C the cosines between the gradients and d = sum_t w_t g_t,

        <d, g_t / n_t> is the same for every t,  sum_t w_t = 1    <=>    w proportional to (C^-1 1) / n

    A weight can be negative, and then the head of its task maximises the loss. If the unnormalised weights sum to less
    than 0, the update even points away from every gradient. The paper does not exclude this, and neither does this
    class. Nearly parallel gradients lead to large weights.

    Deviations from the paper: linearly dependent gradients have no unique solution; as in TorchJD, w is then
    proportional to G^+ n with the Gramian's pseudoinverse G^+, which gives 1/T to each of T identical gradients. If the
    sum of the unnormalised weights is zero (opposed gradients), every task gets 1/T, and the step counts as a failure
    of the solver. A vanished gradient is left out and gets weight 1/T.
    """

    needs: ClassVar[Needs] = Needs.GRAMIAN
    native: ClassVar = "mean"
    failures: Tensor

    def __init__(self, num_tasks: int) -> None:
        super().__init__(num_tasks)
        self.register_buffer("failures", torch.zeros((), dtype=torch.int64))

    def forward(self, losses: Tensor, gradients: Tensor | None = None, active: Tensor | None = None) -> Update:
        """Weights from the Gramian [T, T], solved on the CPU in float64."""
        assert gradients is not None
        gramian = gradients if active is None else torch.where(active.outer(active), gradients, 0.0)
        gramian = gramian.double().cpu()
        norms = gramian.diagonal().sqrt()  # [T]
        counted = alive(norms, None)
        weights = torch.full_like(norms, torch.nan)
        if counted.any():
            weights[counted] = self._solve(gramian[counted][:, counted], norms[counted])
        weights = weights.to(gradients)
        return Update(weights=mask(torch.where(weights.isnan(), share(weights, active), weights), active))

    def diagnostics(self) -> dict[str, float]:
        """Number of steps without a solution, in which all tasks got 1/T."""
        return {"solver_failures": self.failures.item()}

    def _solve(self, gramian: Tensor, norms: Tensor) -> Tensor:
        """Weights of tasks whose gradients have not vanished. Shape [T]."""
        norms = norms / norms.max()
        cosines = gramian / gramian.diagonal().sqrt().outer(gramian.diagonal().sqrt())  # [T, T]
        values, vectors = torch.linalg.eigh(cosines)
        # negative eigenvalues come from rounding, so they show which small ones are meaningless
        kept = values > (-10 * values.min()).clamp(min=DEPENDENT)
        if kept.all():  # cosines instead of the Gramian itself: exact however unequal the norms are
            terms = (vectors / values) @ vectors.T / norms[:, None]  # [T, T], unnormalised weights are its row sums
        else:
            inverse = torch.linalg.pinv(norms[:, None] * vectors[:, kept] * values[kept].sqrt())  # [K, T]
            terms = inverse.T @ inverse * norms
        if terms.sum().abs() <= CANCELLED * terms.abs().sum():
            self.failures += 1
            return torch.full_like(norms, 1 / len(norms))
        return terms.sum(1) / terms.sum()
