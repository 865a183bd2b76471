"""Flat minima: task gradients at weights that are moved to where the loss of each task is highest nearby.

Phan et al., Beyond Losses Reweighting: Empowering Multi-Task Learning via the Generalization Perspective, ICCV 2025.
https://arxiv.org/abs/2211.13723; the step of one task is that of SAM, https://arxiv.org/abs/2010.01412, or of its
adaptive version, https://arxiv.org/abs/2102.11600.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any, Literal, cast

import torch
from torch import Tensor
from torch.nn.utils import get_total_norm

from mtl.engine.accumulation import Accumulation
from mtl.engine.decision import Gradients, apply, decide
from mtl.engine.distributed import mean_over_ranks
from mtl.engine.moved import Pairs, gradient_of_sum, moved
from mtl.engine.objective import Labels, Objective
from mtl.engine.summed import SummedGradients
from mtl.engine.task_gradients import TaskGradients
from mtl.weighters.base import Needs, Scope, Weighter

TINY = 1e-12  # added to lengths, as the authors do
STATELESS = {"failures", "_extra_state"}  # a counter, and random draws


@dataclass(frozen=True)
class Sharpness:
    """Settings of flat minima.

    Args:
        rho: Length of the offset, above 0.
        adaptive: Whether offsets scale with the weights (ASAM).
        mode: `per_task`, as in the paper, or `shared`: one offset for all tasks, along the sum of their gradients.
    """

    rho: float
    adaptive: bool
    mode: Literal["per_task", "shared"]


class SharpGradients:
    """Adds the update of a method A for flat minima to `.grad`, in place of `BatchGradients`.

    With J the task gradients g_t at the shared parameters, and g_t' those of the same batch where the shared
    parameters and the head of task t are moved by

        rho a g_t / |b g_t|,    a = b = 1, or adaptive: a = theta^2, b = |theta|

    each of the two with its own length, the update is A(g_1, ..) + A(g_1' - g_1, ..). Heads get their gradient at the
    moved weights. Running statistics are not updated there, random numbers (dropout) are the same, and the weights are
    restored bit for bit.

    Cost: 1 + T forward passes, and 2 T backward passes over the encoder; with mode `shared` 2 and 2 T. Memory: two sets
    of T rows of the shared parameters.

    Args:
        objective: The network and its losses.
        weighter: The method; it is asked twice.
        sharpness: The settings.
        applied: As for `BatchGradients`.

    Raises:
        ValueError: The weighter keeps a state between steps, or needs losses, or has another scope than `shared`.

    Deviations from the paper: the authors' mode is `per_task` with base methods MGDA, PCGrad, CAGrad and IMTL-G; any
    method without a state is accepted here. An output bias that starts at the mean of the labels, which their networks
    do not have, counts as its distance from there; otherwise depth would be moved by up to rho times its mean.
    Parameters of the decoder that several tasks reach are moved with the head of the task. The random numbers of
    dropout are drawn once.
    """

    def __init__(
        self, objective: Objective, weighter: Weighter, sharpness: Sharpness, applied: Mapping[str, Any]
    ) -> None:
        name = type(weighter).__name__
        if not (weighter.constant or (weighter.needs is not Needs.LOSSES and set(weighter.state_dict()) <= STATELESS)):
            raise ValueError(
                f"sharpness asks the weighter twice in each step, and {name} keeps a state or weighs losses: "
                "use a method without a state, such as cagrad, mgda, pcgrad, imtl_g or uniform"
            )
        if not weighter.constant and Scope(applied.get("scope", "shared")) is not Scope.SHARED:
            raise ValueError(f"sharpness needs the gradients of all shared parameters: use {name} at scope shared")
        self.objective, self.weighter, self.sharpness = objective, weighter, sharpness
        self.options: dict[str, Any] = {"scale": "sum", "heads": "weighted", **applied, "scope": Scope.SHARED}

    @torch.autocast("cuda", enabled=False)
    @torch.autocast("cpu", enabled=False)
    def __call__(
        self, parts: Sequence[Labels], statistics: str | None = None, loss_scale: Tensor | None = None
    ) -> Gradients:
        """The update of one batch; the arguments are those of `BatchGradients`."""
        random = self.objective.random_state()
        here = self._differentiate(parts, statistics, loss_scale)
        rows, heads = here.common.rows(Scope.SHARED), _heads(here)
        if self.sharpness.mode == "shared":
            total = rows.masked_fill(~here.usable[:, None], 0.0).sum(0)  # [P]
            offsets = self._offsets(here, total, [*chain(*heads)])
            with moved(offsets), self.objective.again(random):
                found = self._differentiate(parts, None, loss_scale)
            there, own = found.common.rows(Scope.SHARED), _heads(found)
        else:
            there, own = rows.clone(), [[(p, torch.zeros_like(p)) for p, _ in head] for head in heads]
            for task in here.usable.nonzero().flatten().tolist():
                with moved(self._offsets(here, rows[task], heads[task])), self.objective.again(random):
                    there[task], own[task] = self._of_task(task, here, parts, loss_scale)
        lengths = torch.stack(
            [get_total_norm([row, *(g for _, g in head)]) for row, head in zip(there, own, strict=True)]
        )
        here.intact = here.intact & torch.isfinite(lengths)
        return self._update(here, there - rows, own, statistics, loss_scale)

    def _differentiate(
        self, parts: Sequence[Labels], statistics: str | None, loss_scale: Tensor | None
    ) -> TaskGradients:
        """The gradients of all tasks, summed over parts."""
        collected = _Collected(self.weighter, len(parts), statistics=statistics, loss_scale=loss_scale)
        for part in parts:
            losses, features, active = self.objective(part)
            model = self.objective.model
            layer, shared = model.last_layer, model.shared_parameters()
            collected.add(losses, features, last_layer=layer, shared=shared, active=active)
        return collected.gradients()

    def _offsets(self, here: TaskGradients, row: Tensor, head: Pairs) -> Pairs:
        """The offset of the shared parameters, from their gradients [P], and that of a head."""
        shared = here.common.parameters
        parts = row.split([parameter.numel() for parameter in shared])
        pairs = [(parameter, part.view_as(parameter)) for parameter, part in zip(shared, parts, strict=True)]
        return [*perturbation(pairs, self.sharpness), *perturbation(head, self.sharpness)]

    def _of_task(
        self, task: int, here: TaskGradients, parts: Sequence[Labels], loss_scale: Tensor | None
    ) -> tuple[Tensor, Pairs]:
        """The gradient of one task at the present weights: its row [P], and that of its head."""
        ones = torch.ones(len(here.losses), device=here.losses.device)
        found, _ = gradient_of_sum(self.objective, parts, ones, [task], loss_scale)
        known = {id(parameter): gradient for parameter, gradient in found}
        shared, head = here.common.parameters, [parameter for parameter, _ in _heads(here)[task]]
        both = [[(p, known.get(id(p), torch.zeros_like(p))) for p in group] for group in (shared, head)]
        return torch.cat([gradient.flatten() for _, gradient in both[0]]), both[1]

    def _update(
        self,
        here: TaskGradients,
        flat_rows: Tensor,
        own: list[Pairs],
        statistics: str | None,
        loss_scale: Tensor | None,
    ) -> Gradients:
        """Asks the weighter for both sets of rows, and adds the sum of the two updates to `.grad`."""
        options: dict[str, Any] = {**self.options, "loss_scale": loss_scale}
        asked = None if statistics is None else Scope(statistics)
        steep, result = decide(here, self.weighter, statistics=asked, **options)
        flat = replace(here, own=[], joint=[], common=cast(SummedGradients, here.common).replaced(flat_rows))
        flatter, second = decide(flat, self.weighter, statistics=None, **options)
        active = result.active & second.active
        here.own, here.joint = own, []
        apply(here, steep, active)
        apply(flat, flatter, active)
        return result._replace(active=active, broken=here.active & ~active)


class _Collected(Accumulation):
    """Collects the gradients of all tasks at all shared parameters, without making an update of them."""

    def __init__(self, weighter: Weighter, parts: int, statistics: str | None, loss_scale: Tensor | None) -> None:
        super().__init__(weighter, parts, statistics=statistics, loss_scale=loss_scale)
        self.ahead = self.sum_is_enough = False
        self.asked = [Scope.SHARED, *self.asked]

    def gradients(self) -> TaskGradients:
        """The sum of all parts."""
        total = cast(TaskGradients, self.total)
        total.losses = torch.stack(self.losses).mean(0)
        return total


def perturbation(gradients: Pairs, sharpness: Sharpness) -> Pairs:
    """The offset of a group of parameters along its gradient, of one length over the group."""
    if not gradients:
        return []
    parameters, slopes = zip(*gradients, strict=True)
    if not sharpness.adaptive:
        scaled = lengths = slopes
    else:
        weights = [parameter.detach() - getattr(parameter, "start", 0.0) for parameter in parameters]
        lengths = [weight.abs() * slope for weight, slope in zip(weights, slopes, strict=True)]
        scaled = [weight.square() * slope for weight, slope in zip(weights, slopes, strict=True)]
    factor = sharpness.rho / (get_total_norm(lengths) + TINY)
    return [(parameter, factor * offset) for parameter, offset in zip(parameters, scaled, strict=True)]


def _heads(found: TaskGradients) -> list[Pairs]:
    """What each task reaches behind the cut, with its gradient, averaged over processes."""
    heads = [[*own] for own in found.own]
    for parameter, gradients in found.joint:
        for task, gradient in gradients.items():
            heads[task].append((parameter, gradient))
    for head in heads:
        if head:
            flat = mean_over_ranks(torch.cat([gradient.flatten() for _, gradient in head]))
            pieces = flat.split([gradient.numel() for _, gradient in head])
            head[:] = [(p, piece.view_as(p)) for (p, _), piece in zip(head, pieces, strict=True)]
    return heads
