"""GradNorm: learn the weights so that tasks that train slowly get larger gradients.

Chen et al., GradNorm: Gradient Normalization for Adaptive Loss Balancing in Deep Multitask Networks, ICML 2018.
https://arxiv.org/abs/1711.02257, Eq. (2), Algorithm 1.
"""

import math
from typing import Annotated, ClassVar

import torch
from torch import Tensor

from mtl.weighters.base import LearnedWeighter, Needs, Update, alive, mask
from mtl.weighters.limits import Ge, Gt

FLOOR = 1e-6  # least weight before renormalising; the next gradient can lift it again


class GradNorm(LearnedWeighter):
    """Learns weights with which the gradient norm of each task matches its relative inverse training rate.

    With n_t the norm of task t's unweighted gradient at the last shared layer, and means over the tasks,

        r_t = (L_t / L_t(0)) / mean(L / L(0))                relative inverse training rate
        L_grad = sum_t |w_t n_t - mean(w n) r_t^alpha|       the target is a constant of the step
        dL_grad / dw_t = sign(w_t n_t - mean(w n) r_t^alpha) n_t

    so no second backward pass is needed. After a step of Adam on w, w is scaled so that the weights of the active tasks
    sum to their number. The losses of this step are weighted by the w from before it.

    Args:
        num_tasks: Number of tasks T.
        alpha: How strongly slow tasks are favoured; 0 makes all gradients equally long.
        lr: Learning rate of the weights.

    Raises:
        ValueError: alpha is negative, lr is not above 0, or one of them is not finite.

    Deviations from the paper: L_t(0) is the loss of the first batch in which the task was active. Before scaling, a
    weight is at least 1e-6: a step could make it negative, which would maximise the loss. If a gradient has vanished or
    L_t(0) is not above 0, the task is left out of both means and its weight is only scaled. Each weight has its own
    count of Adam steps, so that batches without labels of a task do not affect its weight. The authors published no
    code. URL's code also starts with weights of 1 and the losses of the first batch, but updates the weights with the
    network's Adam and learning rate; LibMTL compares with the mean losses of the first epoch.
    """

    needs: ClassVar[Needs] = Needs.GRAMIAN
    native: ClassVar = "sum"
    first_losses: Tensor
    seen: Tensor

    def __init__(self, num_tasks: int, alpha: Annotated[float, Ge(0)], lr: Annotated[float, Gt(0)]) -> None:
        super().__init__(num_tasks, 1.0, lr)
        if not (alpha >= 0 and math.isfinite(alpha)):
            raise ValueError(f"GradNorm: alpha must be a finite number, 0 or above, got {alpha}")
        self.alpha = alpha
        self.register_buffer("first_losses", torch.zeros(num_tasks, dtype=torch.float64))
        self.register_buffer("seen", torch.zeros(num_tasks, dtype=torch.bool))  # whose first loss is known

    def forward(self, losses: Tensor, gradients: Tensor | None = None, active: Tensor | None = None) -> Update:
        """The current weights; then updates them for the next step from the losses and the Gramian [T, T]."""
        assert gradients is not None
        active = torch.ones_like(self.seen) if active is None else active
        weights, norms = self.task_weights, gradients.diagonal().sqrt().to(self.task_weights)  # [T]
        self.first_losses = torch.where(active & ~self.seen, losses.to(self.first_losses), self.first_losses)
        self.seen = self.seen | active

        counted = alive(norms, active) & (self.first_losses > 0)
        gradient = self.gradient(losses.to(weights), norms, counted)
        stepped = torch.where(counted, self.descend(gradient, counted).clamp(min=FLOOR), weights)
        scale = active.sum() / mask(stepped, active).sum()
        self.task_weights = torch.where(active, stepped * scale, weights)
        return Update(weights=mask(weights, active).to(gradients))

    def gradient(self, losses: Tensor, norms: Tensor, counted: Tensor) -> Tensor:
        """Gradient of L_grad with respect to the weights, 0 for tasks that do not count. Shape [T]."""
        count = counted.sum().clamp(min=1)
        lengths = mask(self.task_weights * norms, counted)  # [T]
        ratios = mask((losses / self.first_losses).clamp(min=0), counted)  # [T]
        average = ratios.sum() / count
        rates = torch.where(average > 0, ratios / average, 1.0)  # all losses are 0: equal rates
        targets = lengths.sum() / count * rates**self.alpha
        return mask((lengths - targets).sign() * norms, counted)
