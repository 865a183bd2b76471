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
from mtl.engine.distributed import average_gradients, mean_over_ranks
from mtl.engine.heads import HeadGradients, differentiate_heads
from mtl.engine.shared import SharedGradients, add_gradient, at_least_float32, combination
from mtl.weighters.base import Needs, Scope, Weighter


class Gradients(NamedTuple):
    """What one backward pass found out; everything detached."""

    losses: Tensor  # [T] unweighted, mean over processes
    weights: Tensor  # [T] factor on each task's own gradients
    shared_weights: Tensor  # [T] coefficients of the shared update
    active: Tensor  # [T] bool: tasks that took part
    gramian: Tensor | None  # [T, T] unweighted, at `statistics` or else the weighter's scope; None: nobody asked


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

    Raises:
        ValueError: The number of losses is not T, the losses are one tensor that is no stack of scalars, or
            `last_layer` is missing or not part of the encoder, or task gradients are asked of a frozen encoder.
    """
    scope = Scope(scope)
    values = mean_over_ranks(torch.stack([at_least_float32(loss.detach()) for loss in losses]))  # [T]
    finite = torch.isfinite(values)
    active = finite if active is None else active & finite  # [T]
    found = differentiate_heads(losses, features)
    refinements = {id(parameter) for parameter in shared}
    common = SharedGradients(
        features, found.features, last_layer, [joint for joint in found.joint if id(joint[0]) in refinements]
    )

    gradients = record = None
    if weighter.needs is not Needs.LOSSES:
        gradients = common.gramian(scope)  # [T, T]
        active = active & torch.isfinite(gradients.diagonal())
        gradients = record = torch.where(active.outer(active), gradients, 0.0)
    if weighter.needs is Needs.GRADIENTS:
        gradients = common.rows(scope).masked_fill_(~active[:, None], 0.0)  # [T, P]
    if statistics is not None and (record is None or Scope(statistics) is not scope):
        record = torch.where(active.outer(active), common.gramian(Scope(statistics)), 0.0)

    update = weighter(torch.where(active, values, 0.0), gradients, active)
    if update.penalty is not None:
        update.penalty.backward()
    factor = active.sum() if scale == "sum" and weighter.native == "mean" else 1
    weights = (update.weights * factor).to(values)  # [T]
    shared_weights = weights if update.shared_weights is None else (update.shared_weights * factor).to(values)

    touched = _update_heads(found, weights if heads == "weighted" else active.to(values), active)
    for parameter, parts in found.joint:
        if id(parameter) not in refinements:
            add_gradient(parameter, combination(parts, weights, active))
            touched.append(parameter)
    del found, gradients  # their memory is for the encoder's pass
    if update.direction is None:
        touched += common.combine(shared_weights, active, None if weighter.needs is Needs.LOSSES else scope)
    else:
        touched += common.follow(update.direction * factor, scope, shared_weights, active)
    average_gradients(touched)
    return Gradients(values, weights, shared_weights, active, record)


def _update_heads(found: HeadGradients, factors: Tensor, active: Tensor) -> list[Tensor]:
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
