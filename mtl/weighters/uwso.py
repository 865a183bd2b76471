"""UW-SO: weight each loss by a softmax of the inverse losses.

Kirchdorfer et al., Analytical Uncertainty-Based Loss Weighting in Multi-Task Learning, GCPR 2024.
https://arxiv.org/abs/2408.07985, soft optimal uncertainty weighting.
"""

import math
from typing import Annotated, ClassVar

import torch
from torch import Tensor

from mtl.weighters.base import Needs, Update, Weighter, mask
from mtl.weighters.limits import Gt
from mtl.weighters.uwo import inverse


class UWSO(Weighter):
    """Turns the optimal weights of uncertainty weighting, the inverse losses, into shares of 1.

        w = softmax((1 / l) / temperature)

    over the active tasks. There is nothing to learn, and a step costs as much as with uniform weights. The weights
    depend on the absolute size of the losses: the temperature that suits one set of losses is too low for smaller
    ones. With losses 1.5, 0.6, 0.35 and 0.06, T times the weights are 0.00, 0.00, 0.00, 4.00 at temperature 1,
    0.14, 0.17, 0.22, 3.47 at 5 and 0.74, 0.78, 0.83, 1.65 at 20.

    Args:
        num_tasks: Number of tasks T.
        temperature: The larger, the closer the weights are to equal.

    Raises:
        ValueError: `temperature` is not positive and finite.

    Deviations from the paper: a loss below 1e-8, or a negative one, counts as 1e-8. The first task to come near that
    gets all of the weight, since a falling loss raises its own weight.
    """

    needs: ClassVar[Needs] = Needs.LOSSES
    native: ClassVar = "mean"

    def __init__(self, num_tasks: int, temperature: Annotated[float, Gt(0)]) -> None:
        super().__init__(num_tasks)
        if not 0 < temperature < math.inf:
            raise ValueError(f"temperature must be positive and finite, got {temperature}")
        self.temperature = temperature

    def forward(self, losses: Tensor, gradients: Tensor | None = None, active: Tensor | None = None) -> Update:
        """Weights that sum to 1 over the active tasks."""
        exponents = inverse(losses) / self.temperature  # [T]
        if active is not None:
            exponents = exponents.masked_fill(~active, -torch.inf)
        return Update(weights=mask(exponents.softmax(0), active).to(losses))
