"""AvgNorm: give every task the gradient norm of the summed gradient.

Guo et al., Revisit the Imbalance Optimization in Multi-task Learning, 2025.
https://arxiv.org/abs/2509.23915, Sec. V-F5, Eq. (6).
"""

from typing import ClassVar

import torch
from torch import Tensor

from mtl.weighters.base import Needs, Update, Weighter, alive, mask


class AvgNorm(Weighter):
    """Scales each loss so that the gradients of all tasks at the last shared layer have the same norm.

    With g_t the gradient of task t's unweighted loss at the last shared layer,

        w_t = |sum_s g_s| / |g_t|

    so |w_t g_t| is the same for every t. The weights are constants of the step: no gradient flows through them.
    If the gradients cancel (sum_s g_s = 0), every task gets weight 0, as in the formula.

    Deviations from the paper: Eq. (6) is undefined where g_t = 0; such a task is left out of the sum and gets
    weight 1, which still trains its own head and adds nothing to the shared layer.
    """

    needs: ClassVar[Needs] = Needs.GRAMIAN
    native: ClassVar = "own"

    def forward(self, losses: Tensor, gradients: Tensor | None = None, active: Tensor | None = None) -> Update:
        """Weights from the Gramian [T, T] of the task gradients."""
        assert gradients is not None
        norms = gradients.diagonal().sqrt()  # [T]
        counted = alive(norms, active)  # [T]
        target = torch.where(counted.outer(counted), gradients, 0.0).sum().clamp(min=0).sqrt()
        weights = torch.where(counted, target / norms, 1.0)
        return Update(weights=mask(weights, active))
