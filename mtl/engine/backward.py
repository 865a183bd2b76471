"""The one-pass gradient engine: the backward pass of a weighted multi-task loss, for any weighter at any scope.

Written out, the gradient of sum_t w_t L_t where w depends on the gradients of the L_t costs T passes over the whole
network to find w and one more to use it. Here the graph is cut where the shared encoder ends:

    image -> encoder -> maps --+-- copy 1 -> head 1 -> L_1
                               +-- copy 2 -> head 2 -> L_2       1. all heads, once:  d_t = dL_t / d(copy t)
                               +-- copy T -> head T -> L_T       2. task gradients at the scope, from the d_t
                                                                 3. the weighter:     w, c
    encoder <- maps <- sum_t c_t d_t                             4. the encoder, once

Only `Scope.SHARED` needs T passes over the encoder, and then no further one.
"""

from collections.abc import Iterable, Sequence
from typing import Literal, NamedTuple

import torch
from torch import Tensor

from mtl.engine.cut import Features
from mtl.engine.distributed import average_gradients
from mtl.engine.shared import add_gradient, combination
from mtl.engine.task_gradients import TaskGradients, differentiate
from mtl.weighters.base import Needs, Scope, Update, Weighter


class Gradients(NamedTuple):
    """What one backward pass found out; everything detached."""

    losses: Tensor  # [T] unweighted, mean over processes
    weights: Tensor  # [T] factor on each task's own gradients
    shared_weights: Tensor  # [T] coefficients of the shared update
    active: Tensor  # [T] bool: tasks that took part
    gramian: Tensor | None  # [T, T] unweighted, at `statistics` or else the weighter's scope; None: nobody asked
    alignment: Tensor | None = None  # [T] cosine to an elementwise update, at the weighter's scope


class Decision(NamedTuple):
    """What is done with the gradients of one step."""

    update: Update  # on the scale of a sum
    scope: Scope | None  # where the weighter has seen the task gradients; None: nowhere
    heads: Literal["weighted", "raw"]
    overflow: Tensor | None  # scalar bool: a gradient was left out that a loss scaler must hear of


def backward(
    losses: Sequence[Tensor] | Tensor,
    features: Features,
    weighter: Weighter,
    *,
    scope: Scope | str = Scope.SHARED,
    last_layer: Tensor | None = None,
    shared: Iterable[Tensor] = (),
    scale: Literal["sum", "native"] = "sum",
    heads: Literal["weighted", "raw"] = "weighted",
    active: Tensor | None = None,
    statistics: Scope | str | None = None,
    loss_scale: Tensor | float | None = None,
) -> Gradients:
    """Adds the gradient of the weighted losses to `.grad` of every parameter they reach.

    For a weighter that returns w the result equals `(w * losses).sum().backward()` to rounding. Cost beside that of
    plain uniform weights: scope `features` T(T+1)/2 inner products of feature maps, `last_layer` T short
    vector-Jacobian products, `shared` T - 1 passes over the encoder and T rows of memory. Decoders in which tasks
    read each other's features cost T passes over the decoder at any scope.

    A task whose loss or gradient is not finite counts as inactive: it adds nothing to any gradient.

    Args:
        losses: T scalars, or their `torch.stack`. Shape [T].
        features: What `cut(encoder(image), T)` returned.
        weighter: The rule.
        scope: Where the task gradients are taken that the weighter sees. A weighter of losses ignores it.
        last_layer: Weight of the encoder's last layer, for scope `last_layer`.
        shared: Parameters behind the cut that belong to the shared network (MTAN's refinements): they are updated
            like the encoder. Other parameters that several tasks reach get each task's gradient times its weight.
        scale: `sum` multiplies weights on the scale of a mean by the number of active tasks, so that uniform
            weights are 1 for every weighter; `native` leaves them as the weighter's paper has them.
        heads: `weighted` multiplies a task's own gradients by its weight, `raw` leaves them.
        active: Tasks with labels in this batch; None means all. Shape [T], bool.
        statistics: Scope at which to take the Gramian for the record, whatever the weighter needs.
        loss_scale: Factor against underflow in float16 (`GradScaler`): `.grad` holds gradients times this factor,
            for `GradScaler.unscale_`; the weighter sees true gradients. A gradient that overflows then leaves an
            infinity in `.grad`, so that the scaler skips the step.

    Raises:
        ValueError: The number of losses is not T, the losses are one tensor that is no stack of scalars, or
            `last_layer` is missing or not part of the encoder, or task gradients are asked of a frozen encoder.
    """
    found = differentiate(losses, features, last_layer=last_layer, shared=shared, active=active, seed=loss_scale)
    decision, result = decide(
        found, weighter, scope=scope, scale=scale, heads=heads, statistics=statistics, loss_scale=loss_scale
    )
    apply(found, decision, result.active)
    return result


def decide(
    found: TaskGradients,
    weighter: Weighter,
    *,
    scope: Scope | str,
    scale: Literal["sum", "native"],
    heads: Literal["weighted", "raw"],
    statistics: Scope | str | None,
    loss_scale: Tensor | float | None,
) -> tuple[Decision, Gradients]:
    """Asks the weighter; arguments as those of `backward`."""
    scope, needs = Scope(scope), weighter.needs
    seed = 1.0 if found.seed is None else found.seed
    active, common = found.active, found.common
    gradients = record = None
    if needs is not Needs.LOSSES:
        gradients = common.gramian(scope) / seed**2  # [T, T]
        active = active & torch.isfinite(gradients.diagonal())
        gradients = record = torch.where(active.outer(active), gradients, 0.0)
    if needs is Needs.GRADIENTS:
        gradients = common.rows(scope).masked_fill(~active[:, None], 0.0)  # [T, P]
        gradients = gradients if found.seed is None else gradients.div_(seed)
    if statistics is not None and (record is None or Scope(statistics) is not scope):
        record = torch.where(active.outer(active), common.gramian(Scope(statistics)) / seed**2, 0.0)

    update = weighter(torch.where(active, found.losses, 0.0), gradients, active)
    if update.penalty is not None:
        (update.penalty if loss_scale is None else update.penalty * loss_scale).backward()
    factor = active.sum() if scale == "sum" and weighter.native == "mean" else 1
    weights = (update.weights * factor).to(found.losses)  # [T]
    shared_weights = weights if update.shared_weights is None else (update.shared_weights * factor).to(weights)
    direction = alignment = None
    if update.direction is not None:
        direction = update.direction * factor
        if statistics is not None:
            lengths = gradients.norm(dim=1) * direction.norm()  # [T]
            alignment = torch.where(lengths > 0, gradients @ direction / lengths, 0.0)
        direction = direction if found.seed is None else direction * seed
    decision = Decision(
        Update(weights, shared_weights, direction),
        None if needs is Needs.LOSSES else scope,
        heads,
        None if loss_scale is None else (found.active & ~active).any(),
    )
    return decision, Gradients(found.losses, weights, shared_weights, active, record, alignment)


def apply(found: TaskGradients, decision: Decision, active: Tensor) -> None:
    """Adds the decided update to `.grad`; `found` is spent.

    Args:
        found: The gradients of all tasks.
        decision: What the weighter made of them.
        active: Tasks that take part. Shape [T], bool.
    """
    update = decision.update
    touched = _update_own(found, update.weights if decision.heads == "weighted" else active.to(update.weights), active)
    for parameter, parts in found.joint:
        add_gradient(parameter, combination(parts, update.weights, active))
        touched.append(parameter)
    found.joint.clear()  # its memory is for the encoder's pass
    if update.direction is None:
        touched += found.common.combine(update.shared_weights, active, decision.scope)
    else:
        touched += found.common.follow(update.direction, decision.scope, update.shared_weights, active)
    average_gradients(touched)
    if decision.overflow is not None and decision.scope is not None:
        found.common.encoder[0].grad.masked_fill_(decision.overflow, torch.inf)


def _update_own(found: TaskGradients, factors: Tensor, active: Tensor) -> list[Tensor]:
    """Adds each task's own gradients times its factor to `.grad`; returns the parameters.

    The gradients are taken out of `found`, so that no more than one task's are held twice.
    """
    touched = []
    for task in range(len(found.own)):
        owned, found.own[task] = found.own[task], []
        if not owned:
            continue
        parameters, gradients = zip(*owned, strict=True)
        scaled = torch._foreach_mul(gradients, factors[task].to(gradients[0]))
        for parameter, gradient in zip(parameters, scaled, strict=True):
            add_gradient(parameter, gradient.masked_fill_(~active[task], 0.0))
        touched += parameters
    return touched
