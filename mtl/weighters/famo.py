"""FAMO: adapt the weights so that all losses fall at the same rate, measured after each step.

Liu et al., FAMO: Fast Adaptive Multitask Optimization, NeurIPS 2023.
https://arxiv.org/abs/2306.03792, Algorithm 1.
"""

import math
from typing import Annotated, ClassVar

import torch
from torch import Tensor

from mtl.weighters.base import Needs, Update, Weighter, mask
from mtl.weighters.limits import Ge, Gt

LOWEST = 1e-8  # added to a loss before its logarithm, as the authors do
BETA1, BETA2, EPS = 0.9, 0.999, 1e-8  # of Adam


class FAMO(Weighter):
    """Raises the weight of the tasks whose loss the last step lowered least, relative to its size.

    With logits xi from 0, z = softmax(xi) over the active tasks and D_t = max(l_t, 0) + 1e-8, the network minimises
    sum_t z_t log D_t, scaled so that the weights of the losses sum to 1:

        w_t = (z_t / D_t) / sum_j (z_j / D_j)

    After the step, from the losses D' of the same batch, the logits take one step of Adam along

        z_t (delta_t - sum_j z_j delta_j) + gamma xi_t,    delta_t = log D_t - log D'_t

    A task without labels, or without a finite loss after the step, keeps its logit and its moments.

    Args:
        num_tasks: Number of tasks T.
        gamma: Weight decay of the logits, applied through Adam's moments.
        lr: Learning rate of the logits.

    Raises:
        ValueError: `gamma` is negative, `lr` is not positive, or one of them is not finite.

    Deviations from the paper: the logarithm needs positive losses, so a loss at or below 0 counts as 0, which gives
    that task nearly all of the weight. The logits start and move as in the authors' code. The training step differs
    from theirs in two ways: their reusable class clips the shared gradient to length 1 (their experiments clip it
    before the backward pass, when there is none), and their second forward pass updates BatchNorm's running statistics
    again.
    """

    needs: ClassVar[Needs] = Needs.LOSSES
    native: ClassVar = "mean"
    recompute: ClassVar[bool] = True
    logits: Tensor
    mean: Tensor
    square: Tensor
    steps: Tensor
    before: Tensor
    active: Tensor

    def __init__(self, num_tasks: int, gamma: Annotated[float, Ge(0)], lr: Annotated[float, Gt(0)]) -> None:
        super().__init__(num_tasks)
        if not 0 <= gamma < math.inf:
            raise ValueError(f"gamma must be a finite number, 0 or above, got {gamma}")
        if not 0 < lr < math.inf:
            raise ValueError(f"lr must be positive and finite, got {lr}")
        self.gamma, self.lr = gamma, lr
        for name in ("logits", "mean", "square", "steps"):  # the last three are Adam's state, per task
            self.register_buffer(name, torch.zeros(num_tasks, dtype=torch.float64))
        self.register_buffer("before", torch.zeros(num_tasks, dtype=torch.float64))  # log D_t of the current step
        self.register_buffer("active", torch.zeros(num_tasks, dtype=torch.bool))  # in the current step

    def forward(self, losses: Tensor, gradients: Tensor | None = None, active: Tensor | None = None) -> Update:
        """Weights that sum to 1 over the active tasks; records the losses for `after_step`."""
        self.active = torch.ones_like(losses, dtype=torch.bool) if active is None else active.clone()
        floored = lift(losses)  # [T], D_t
        self.before = mask(floored.log(), self.active)
        pulls = mask(self._shares(self.active) / floored, self.active)  # [T]
        return Update(weights=mask(pulls / pulls.sum(), self.active).to(losses))

    def after_step(self, losses: Tensor | None = None) -> None:
        """Updates the logits by the change of the losses in this step.

        Raises:
            ValueError: The losses are missing or not a tensor of shape [T].
        """
        if not isinstance(losses, Tensor) or losses.shape != self.logits.shape:
            raise ValueError(
                "FAMO needs the losses of the same batch after the step, as one tensor [T]: "
                "weighter.after_step(torch.stack(losses))"
            )
        counted = self.active & torch.isfinite(losses)
        z = self._shares(counted)  # [T]
        delta = mask(self.before - lift(losses).log(), counted)
        self._descend(z * (delta - (z * delta).sum()) + self.gamma * self.logits, counted)

    def _shares(self, counted: Tensor) -> Tensor:
        """Softmax of the logits over the counted tasks, 0 for the others. Shape [T]."""
        return mask(self.logits.masked_fill(~counted, -torch.inf).softmax(0), counted)

    def _descend(self, gradient: Tensor, counted: Tensor) -> None:
        """One step of Adam for the counted tasks; the others are unchanged."""
        steps = self.steps + 1
        mean = self.mean.lerp(gradient, 1 - BETA1)
        square = (self.square * BETA2).addcmul(gradient, gradient, value=1 - BETA2)
        length = self.lr / (1 - BETA1**steps)
        width = square.sqrt() / (1 - BETA2**steps).sqrt() + EPS
        moved = {"steps": steps, "mean": mean, "square": square, "logits": self.logits - length * mean / width}
        for name, value in moved.items():
            setattr(self, name, torch.where(counted, value, getattr(self, name)))


def lift(losses: Tensor) -> Tensor:
    """Losses clamped to positive numbers, for the logarithm. Shape [T], float64."""
    return losses.detach().double().clamp(min=0) + LOWEST
