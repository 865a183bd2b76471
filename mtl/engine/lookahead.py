"""How the weights of tasks in a step change the loss on other images after it, for weighters that learn from that.

Liu et al., Auto-Lambda: Disentangling Dynamic Task Relationships, TMLR 2022. https://arxiv.org/abs/2202.03091
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, cast

import torch
from torch import Tensor
from torch.nn.utils import get_total_norm
from torch.optim import Optimizer
from torch.utils.data import DataLoader

from mtl.engine.batch_gradients import BatchGradients
from mtl.engine.decision import Gradients
from mtl.engine.moved import Pairs, gradient_of_sum, moved
from mtl.engine.objective import Labels, Objective, split
from mtl.engine.progress import Progress

STRIDE = 0.01  # length of the offsets of the finite difference; the authors' code


@dataclass(frozen=True)
class Lookahead:
    """Settings of a look ahead.

    Args:
        loader: Held-out batches.
        primary: Factor of each task's loss on them. T numbers.
    """

    loader: DataLoader
    primary: Sequence[float]


class LookaheadGradients:
    """Tells the weighter what its weights do to the held-out loss; then makes the update of the batch.

    Each step takes one held-out batch. Which one depends only on the number of the step, so a resumed run goes on with
    the right one. `AutoLambda` has the formulas and the cost.

    Args:
        plain: Makes the update, and has the network, its losses and the weighter.
        optimizer: Its learning rate, momentum and weight decay make the trial step.
        lookahead: The settings.
        progress: Progress of the run.
    """

    def __init__(self, plain: BatchGradients, optimizer: Optimizer, lookahead: Lookahead, progress: Progress) -> None:
        self.plain, self.objective, self.weighter = plain, plain.objective, plain.weighter
        self.optimizer, self.loader, self.progress = optimizer, lookahead.loader, progress
        self.primary = torch.tensor(lookahead.primary, dtype=torch.float64, device=self.objective.model.device)  # [T]
        self.batches = self._batches()

    @torch.autocast("cuda", enabled=False)
    @torch.autocast("cpu", enabled=False)
    def __call__(
        self, parts: Sequence[Labels], statistics: str | None = None, loss_scale: Tensor | None = None
    ) -> Gradients:
        """The update of one batch; the arguments are those of `BatchGradients`."""
        random = self.objective.random_state()
        with self.objective.again(random):
            weights = self.weighter(torch.ones_like(self.primary)).weights
            trial, labelled = self._gradient(parts, weights, loss_scale)
        held_out = split(next(self.batches), len(parts), self.objective.model.device)
        with self.objective.again(random), moved(self._step(trial)):
            ahead, _ = self._gradient(held_out, self.primary, loss_scale)
        self.weighter.learn(torch.where(labelled, self._slopes(parts, ahead, random), torch.nan))
        return self.plain(parts, statistics, loss_scale)

    def _batches(self) -> Iterator[Mapping[str, Any]]:
        """Held-out batches from the current step on, epoch after epoch."""
        while True:
            cast("Any", self.loader.sampler).set_position(*divmod(self.progress.step, len(self.loader)))
            yield from self.loader

    def _gradient(self, parts: Sequence[Labels], weights: Tensor, loss_scale: Tensor | None) -> tuple[Pairs, Tensor]:
        """Gradient of the weighted losses, without the loss scale, and the tasks with labels."""
        found, labelled = gradient_of_sum(self.objective, parts, weights, [*range(len(weights))], loss_scale)
        return found if loss_scale is None else [(p, g / loss_scale) for p, g in found], labelled

    def _step(self, gradient: Pairs) -> Pairs:
        """The offsets of a step of SGD along the gradient."""
        slopes, offsets = {id(parameter): slope for parameter, slope in gradient}, []
        for parameter, group in self._trained():
            if id(parameter) in slopes:
                slope = slopes[id(parameter)] + group.get("weight_decay", 0.0) * parameter.detach()
                buffer = self.optimizer.state.get(parameter, {}).get("momentum_buffer")
                if buffer is not None:
                    slope = slope + group["momentum"] * buffer
                offsets.append((parameter, -group["lr"] * slope))
        return offsets

    def _slopes(self, parts: Sequence[Labels], ahead: Pairs, random: list[Tensor]) -> Tensor:
        """Derivative of the loss after the step by the weight of each task, from its gradient there. Shape [T]."""
        rates = {id(parameter): group["lr"] for parameter, group in self._trained()}
        directions = [(parameter, -rates.get(id(parameter), 0.0) * slope) for parameter, slope in ahead]
        stride = STRIDE / get_total_norm([direction for _, direction in directions])
        losses = []
        for sign in (1, -1):
            offsets = [(parameter, sign * stride * direction) for parameter, direction in directions]
            with moved(offsets), self.objective.again(random), _full_precision(self.objective):
                losses.append(self.objective.values(parts))
        return (losses[0] - losses[1]) / (2 * stride)

    def _trained(self) -> Iterator[tuple[Tensor, dict[str, Any]]]:
        """The parameters of the optimizer, each with its group."""
        return ((parameter, group) for group in self.optimizer.param_groups for parameter in group["params"])


@contextmanager
def _full_precision(objective: Objective) -> Iterator[None]:
    """Context for passes in float32, without TF32."""
    kernels: list[Any] = [torch.backends.cuda.matmul, torch.backends.cudnn]
    dtype, allowed = objective.dtype, [kernel.allow_tf32 for kernel in kernels]
    objective.dtype = None
    for kernel in kernels:
        kernel.allow_tf32 = False
    try:
        yield
    finally:
        objective.dtype = dtype
        for kernel, before in zip(kernels, allowed, strict=True):
            kernel.allow_tf32 = before
