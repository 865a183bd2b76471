"""RotoGrad: rotate the features of each task, and give all task gradients at the features the same length.

Javaloy and Valera, RotoGrad: Gradient Homogenization in Multitask Learning, ICLR 2022.
https://arxiv.org/abs/2103.02631
"""

from typing import Annotated, ClassVar, cast

import torch
from torch import Tensor

from mtl.weighters.base import Needs, Update, Weighter, alive, mask
from mtl.weighters.limits import Ge


class RotoGrad(Weighter):
    """Scales the task gradients at the shared features to a common length, in which slow tasks count more.

    With n_t the length of the gradient of task t, and n_t(0) its length in the first step, taken again after
    `burn_in` steps,

        r_t = n_t / n_t(0),    C = sum_t r_t n_t / sum_s r_s,    w_t = C / n_t

    for the shared network; heads get their own gradients. The rotations between the features and the heads are a
    setting of the run, `weighter.rotation`; they have their own optimizer, and stay in the trained network. The scale
    costs T (T + 1) / 2 inner products of feature maps, the rotations small matrices: no pass over the network.

    Only scale: `'~weighter.rotation'`. Only rotate: `weighter.method._target_=mtl.weighters.Uniform` and
    `'~weighter.method.burn_in'`.

    Args:
        num_tasks: Number of tasks T.
        burn_in: Steps after which the initial lengths are taken again.

    Deviations from the paper: none from the authors' code except in edge cases. The initial length of a task without
    labels in the first step is that of its first step with labels. A vanished gradient has weight 1 and is left out
    of C. Weights on heads are 1, because the authors do not normalise losses by default.
    """

    needs: ClassVar[Needs] = Needs.GRAMIAN
    native: ClassVar = "own"
    first: Tensor
    steps: Tensor

    def __init__(self, num_tasks: int, burn_in: Annotated[int, Ge(0)]) -> None:
        super().__init__(num_tasks)
        self.burn_in = burn_in
        self.register_buffer("first", torch.zeros(num_tasks, dtype=torch.float64))  # n_t(0); 0: not known
        self.register_buffer("steps", torch.zeros((), dtype=torch.int64))

    def forward(self, losses: Tensor, gradients: Tensor | None = None, active: Tensor | None = None) -> Update:
        """Weights for the shared network, from lengths of the gradients."""
        norms = cast(Tensor, gradients).double().diagonal().sqrt()  # [T]
        there = alive(norms, active)
        self.first = torch.where(there & ((self.first == 0) | (self.steps == self.burn_in)), norms, self.first)
        self.steps = self.steps + there.any()
        safe = norms.masked_fill(~there, 1.0)
        ratios = safe.log() - self.first.masked_fill(~there, 1.0).log()  # logarithm of r_t
        common = (ratios.masked_fill(~there, -torch.inf).softmax(0).nan_to_num() * safe).sum()
        weights = mask(torch.where(there, common / safe, 1.0), active)
        return Update(weights=weights)
