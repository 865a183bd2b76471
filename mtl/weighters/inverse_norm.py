"""InverseNorm: give every task a gradient of length one.

Guo et al., Revisit the Imbalance Optimization in Multi-task Learning, 2025.
https://arxiv.org/abs/2509.23915, Sec. V-F5: the naive balance of gradient norms that AvgNorm, Eq. (6), improves on.
"""

from typing import ClassVar

import torch
from torch import Tensor

from mtl.weighters.base import Needs, Update, Weighter, alive, mask


class InverseNorm(Weighter):
    """Divides each loss by the length of its gradient at the last shared layer.

    With g_t the gradient of task t's unweighted loss,

        w_t = 1 / |g_t|

    so |w_t g_t| = 1 for every t. Unlike AvgNorm, it discards the overall length of the gradients.

    Deviations from the paper: the formula is undefined where g_t = 0; such a task gets weight 1, which still trains its
    own head and adds nothing to the shared layer.
    """

    needs: ClassVar[Needs] = Needs.GRAMIAN
    native: ClassVar = "own"

    def forward(self, losses: Tensor, gradients: Tensor | None = None, active: Tensor | None = None) -> Update:
        """Weights from the diagonal of the Gramian [T, T]."""
        assert gradients is not None
        norms = gradients.diagonal().sqrt()  # [T]
        return Update(weights=mask(torch.where(alive(norms, active), 1 / norms, 1.0), active))
