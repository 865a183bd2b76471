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
from typing import Literal

from torch import Tensor

from mtl.engine.accumulation import Accumulation
from mtl.engine.cut import Features
from mtl.engine.decision import Gradients
from mtl.weighters.base import Scope, Weighter


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
    read each other's features cost T passes over the decoder at any scope, one where weights see losses alone.

    Under torch.compile, regions of the encoder differentiated several times (scopes `last_layer` and `shared`) need
    `torch._functorch.config.donated_buffer = False` before they are compiled, and a compiler cache without code from
    before (`TORCHINDUCTOR_CACHE_DIR`): such code overwrites what the second pass needs, silently. Compile the last
    block apart from the rest, else its gradients cost passes over the whole encoder.

    A task whose loss or gradient is not finite counts as inactive with every weighter: it adds nothing to any gradient,
    and `broken` of the result marks it. Its gradient counts as finite if its squared length is, in float32 or better,
    at the task's own parameters, at the features and at the weighter's scope. Two kinds cannot be told apart by task at
    no cost and reach `.grad`, as from a plain backward: gradients that break inside the encoder, which only scope
    `shared` sees, and those of decoders in which tasks read each other's features, where weights see losses alone.
    So check the length that `clip_grad_norm_` returns before the optimizer steps, as the trainer does.

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
        ValueError: The losses are not T differentiable scalars, the heads read something else than these features,
            the features were differentiated before, the weighter is of another number of tasks, `last_layer` is missing
            or not part of the encoder, task gradients are asked of a frozen encoder, or an option is unknown.
    """
    accumulation = Accumulation(
        weighter, scope=scope, scale=scale, heads=heads, statistics=statistics, loss_scale=loss_scale
    )
    accumulation.add(losses, features, last_layer=last_layer, shared=shared, active=active)
    return accumulation.finish()
