"""NGDiff: learn some tasks and unlearn others, with gradients of the same length.

Jin et al., Unlearning as Multi-Task Optimization: A Normalized Gradient Difference Approach with an Adaptive Learning
Rate, NAACL 2025. https://arxiv.org/abs/2410.22086, normalized gradient difference.
"""

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor

from mtl.weighters.base import Update
from mtl.weighters.inverse_norm import InverseNorm


class NGDiff(InverseNorm):
    """Adds up gradients of length one, with a minus for the tasks to be unlearned.

    With g_t the gradient of task t's unweighted loss,

        w_t = s_t / |g_t|,    s_t = 1 to learn, -1 to unlearn

    so the update is sum_t s_t g_t / |g_t|; it costs what InverseNorm costs at the same scope. If all tasks are
    learned it is InverseNorm at all shared parameters. The length of the update does not fall as the gradients do, so
    the learning rate must. Nothing keeps the loss of an unlearned task from growing.

    Args:
        num_tasks: Number of tasks T.
        signs: 1 or -1 per task, in task order. None: all are learned. Shape [T].

    Raises:
        ValueError: There are not T signs, or one is neither 1 nor -1.

    Deviations from the paper: it has two tasks, one of each sign. It adapts the learning rate as well; here the recipe
    decides it. The head of an unlearned task unlearns, too. A vanished gradient has weight s_t.
    """

    signs: Tensor

    def __init__(self, num_tasks: int, signs: Sequence[Literal[1, -1]] | None = None) -> None:
        super().__init__(num_tasks)
        chosen = [1] * num_tasks if signs is None else list(signs)
        if len(chosen) != num_tasks or any(sign not in (1, -1) for sign in chosen):
            raise ValueError(f"signs must be 1 or -1 for each of {num_tasks} tasks, got {chosen}")
        self.register_buffer("signs", torch.tensor(chosen), persistent=False)

    def forward(self, losses: Tensor, gradients: Tensor | None = None, active: Tensor | None = None) -> Update:
        """Weights from the diagonal of the Gramian [T, T]."""
        return Update(weights=super().forward(losses, gradients, active).weights * self.signs)
