"""RLW: draw the weights at random in every step.

Lin et al., Reasonable Effectiveness of Random Weighting: A Litmus Test for Multi-Task Learning, TMLR 2022.
https://arxiv.org/abs/2111.10603, normal distribution.
"""

from typing import ClassVar

import torch
from torch import Tensor

from mtl.weighters.base import Needs, RandomWeighter, Update, mask


class RLW(RandomWeighter):
    """Draws new random weights in every step: w = softmax(z) with z_t from N(0, 1).

    The softmax is over the active tasks. One number is drawn for every task, active or not, so that later draws do not
    depend on the labels.

    Args:
        num_tasks: Number of tasks T.
        seed: Seed of the draws; must be the same in every process.

    Deviations from the paper: none.
    """

    needs: ClassVar[Needs] = Needs.LOSSES
    native: ClassVar = "mean"
    constant: ClassVar[bool] = True

    def forward(self, losses: Tensor, gradients: Tensor | None = None, active: Tensor | None = None) -> Update:
        """Weights that sum to 1 over the active tasks."""
        z = self.draw().to(losses)  # [T]
        if active is not None:
            z = z.masked_fill(~active, -torch.inf)
        return Update(weights=mask(z.softmax(0), active))

    def draw(self) -> Tensor:
        """The random numbers of a step. Shape [T], float64."""
        return torch.randn(self.num_tasks, generator=self.generator, dtype=torch.float64)
