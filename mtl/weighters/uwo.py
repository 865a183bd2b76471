"""UW-O: weight each loss by its inverse.

Kirchdorfer et al., Analytical Uncertainty-Based Loss Weighting in Multi-Task Learning, GCPR 2024.
https://arxiv.org/abs/2408.07985, optimal uncertainty weighting.
"""

from typing import ClassVar

from torch import Tensor

from mtl.weighters.base import Needs, Update, Weighter, mask

LOWEST = 1e-8  # a smaller loss counts as this


class UWO(Weighter):
    """Divides each loss by its value in this step.

        w_t = 1 / l_t

    This is the optimum of uncertainty weighting for losses that are absolute errors, without learning it, so every
    weighted loss is 1 and the update is the gradient of sum_t log l_t. A step costs as much as with uniform weights.

    Args:
        num_tasks: Number of tasks T.

    Deviations from the paper: a loss below 1e-8, or a negative one, counts as 1e-8.
    """

    needs: ClassVar[Needs] = Needs.LOSSES
    native: ClassVar = "own"

    def forward(self, losses: Tensor, gradients: Tensor | None = None, active: Tensor | None = None) -> Update:
        """Weights from the losses of this step."""
        return Update(weights=mask(inverse(losses), active).to(losses))


def inverse(losses: Tensor) -> Tensor:
    """One over each loss. Shape [T], float64."""
    return 1 / losses.detach().double().clamp(min=LOWEST)
