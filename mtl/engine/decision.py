"""Calls the weighter with the gradients of all tasks, and adds the resulting update to `.grad`."""

from typing import Literal, NamedTuple

import torch
from torch import Tensor

from mtl.engine.arguments import check_update
from mtl.engine.distributed import average_gradients
from mtl.engine.heads import HeadGraph
from mtl.engine.shared import add_gradient, combination, inner
from mtl.engine.task_gradients import TaskGradients
from mtl.weighters.base import Needs, Scope, Weighter


class Gradients(NamedTuple):
    """Result of one backward pass; everything is detached."""

    losses: Tensor  # [T] unweighted, mean over processes
    weights: Tensor  # [T] factor on each task's own gradients
    shared_weights: Tensor  # [T] coefficients of the shared update
    active: Tensor  # [T] bool: tasks that took part
    gramian: Tensor | None  # [T, T] unweighted, at `statistics` or else the weighter's scope; None: not computed
    alignment: Tensor | None  # [T] cosine to an elementwise update, at the weighter's scope
    broken: Tensor  # [T] bool: tasks with labels, left out for a loss or gradient that is not finite


class Decision(NamedTuple):
    """How the gradients of one step are combined."""

    weights: Tensor  # [T] as in `Update`, on the scale of a sum
    shared_weights: Tensor  # [T] likewise
    direction: Tensor | None  # [P] likewise
    scope: Scope | None  # where the weighter saw the task gradients; None: nowhere
    heads: Literal["weighted", "raw"]
    overflow: Tensor | None  # scalar bool: the weighter's scope had a gradient that is not finite; None: no loss scale


def decide(
    found: TaskGradients,
    weighter: Weighter,
    *,
    scope: Scope,
    scale: Literal["sum", "native"],
    heads: Literal["weighted", "raw"],
    statistics: Scope | None,
    loss_scale: Tensor | float | None,
) -> tuple[Decision, Gradients]:
    """Calls the weighter; the arguments are those of `backward`."""
    needs, seed = weighter.needs, 1.0 if found.seed is None else found.seed
    active, common = found.usable, found.common
    gradients = record = None
    if statistics is not None and (needs is Needs.LOSSES or statistics is not scope):
        record = common.gramian(statistics) / seed**2  # [T, T]
    if needs is not Needs.LOSSES:
        gradients = common.gramian(scope, last=True) / seed**2  # [T, T]
        active = active & torch.isfinite(gradients.diagonal())
        gradients = torch.where(active.outer(active), gradients, 0.0)
    record = gradients if record is None else torch.where(active.outer(active), record, 0.0)
    if needs is Needs.GRADIENTS:
        gradients = common.rows(scope).masked_fill_(~active[:, None], 0.0)  # [T, P]
        gradients = gradients if found.seed is None else gradients / seed

    update = weighter(torch.where(active, found.losses, 0.0), gradients, active)
    check_update(update, weighter)
    if update.penalty is not None:
        (update.penalty if loss_scale is None else update.penalty * loss_scale).backward()
    factor = active.sum() if scale == "sum" and weighter.native == "mean" else 1
    weights = (update.weights * factor).to(found.losses)  # [T]
    shared_weights = weights if update.shared_weights is None else (update.shared_weights * factor).to(weights)
    direction = alignment = None
    if update.direction is not None:
        direction = update.direction * factor
        if statistics is not None and gradients is not None:
            squares = torch.stack([inner(row, row) for row in gradients])  # [T]
            lengths = (squares * inner(direction, direction)).sqrt()
            products = torch.stack([inner(row, direction) for row in gradients])
            alignment = torch.where(lengths > 0, products / lengths, 0.0)
        direction = direction if found.seed is None else direction * seed
    decision = Decision(
        weights,
        shared_weights,
        direction,
        None if needs is Needs.LOSSES else scope,
        heads,
        None if loss_scale is None else (found.usable & ~active).any(),
    )
    broken = found.active & ~active  # [T]
    return decision, Gradients(found.losses, weights, shared_weights, active, record, alignment, broken)


def apply(found: TaskGradients, decision: Decision, active: Tensor) -> None:
    """Adds the decided update to `.grad`; `found` is used up.

    Args:
        found: The gradients of all tasks.
        decision: Result of `decide`.
        active: Tasks that take part. Shape [T], bool.
    """
    if found.graph is not None:
        _apply_sum(found, found.graph, decision.weights)
        return
    weights = decision.weights
    touched = _update_own(found, weights if decision.heads == "weighted" else active.to(weights), active)
    for parameter, parts in found.joint:
        add_gradient(parameter, combination(parts, weights, active))
        touched.append(parameter)
    found.joint.clear()  # frees memory for the pass over the encoder
    if decision.direction is None:
        touched += found.common.combine(decision.shared_weights, active, decision.scope)
    else:
        touched += found.common.follow(decision.direction, decision.scope, decision.shared_weights, active)
    average_gradients(touched)
    if decision.overflow is not None:
        overflow = decision.overflow | (found.active & torch.isfinite(found.losses) & ~found.intact).any()
        for parameter in [*found.common.encoder, *touched][:1]:  # lets the loss scaler detect what was left out
            if parameter.grad is not None:
                parameter.grad.masked_fill_(overflow, torch.inf)


def _apply_sum(found: TaskGradients, graph: HeadGraph, weights: Tensor) -> None:
    """Adds the gradient of the weighted sum: one pass over decoders in which tasks read each other's features."""
    tasks = torch.isfinite(found.losses).nonzero().flatten().tolist()
    at_maps, behind = graph.differentiate_sum(weights, tasks)
    for parameter, gradient in behind:
        add_gradient(parameter, gradient)
    average_gradients([parameter for parameter, _ in behind] + found.common.propagate(at_maps))


def _update_own(found: TaskGradients, factors: Tensor, active: Tensor) -> list[Tensor]:
    """Adds each task's own gradients times its factor to `.grad`; returns the parameters.

    The gradients are removed from `found` on the way, so that at most one task's are held twice.
    """
    touched = []
    for task in range(len(found.own)):
        owned, found.own[task] = found.own[task], []
        if not owned:
            continue
        parameters, gradients = zip(*owned, strict=True)
        factor, idle = factors[task].to(gradients[0]), ~active[task]
        scaled = torch._foreach_mul(gradients, factor)  # pyright: ignore[reportPrivateImportUsage]  has no public name
        for parameter, gradient in zip(parameters, scaled, strict=True):
            add_gradient(parameter, gradient.masked_fill_(idle, 0.0))
        touched += parameters
    return touched
