"""The one-pass gradient engine: the backward pass of a weighted multi-task loss, for any weighter at any scope.

Computed naively, the gradient of sum_t w_t L_t, where w depends on the gradients of the L_t, costs T passes over the
whole network to find w and one more to apply it. Here the graph is cut at the end of the shared encoder:

    image -> encoder -> maps --+-- copy 1 -> head 1 -> L_1
                               +-- copy 2 -> head 2 -> L_2       1. all heads, once:  d_t = dL_t / d(copy t)
                               +-- copy T -> head T -> L_T       2. task gradients at the scope, from the d_t
                                                                 3. the weighter:     w, c
    encoder <- maps <- sum_t c_t d_t                             4. the encoder, once

Only `Scope.SHARED` needs T passes over the encoder, and step 4 then needs none.
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

    For a weighter that returns w, the result equals `(w * losses).sum().backward()` to rounding. Cost in addition to
    that of uniform weights:

    - scope `features`: T(T+1)/2 inner products of feature maps;
    - `last_layer`: T short vector-Jacobian products;
    - `shared`: T - 1 passes over the encoder and T rows of memory.

    Decoders in which tasks read each other's features cost T passes over the decoder at any scope, but only one if the
    weights depend on the losses alone.

    A network without a common encoder, such as one whose tasks exchange features all the way, is cut at the image:
    name all its shared parameters by `shared` and use scope `shared`. There are no task gradients at the others.

    Under torch.compile, regions of the encoder that are differentiated several times (scopes `last_layer` and
    `shared`) need `torch._functorch.config.donated_buffer = False` before they are compiled, and a compiler cache
    without older code (`TORCHINDUCTOR_CACHE_DIR`): such code silently overwrites what the second pass needs. Compile
    the last block separately; otherwise its gradients cost passes over the whole encoder. `mtl.engine.compiled` does
    all of this.

    A task whose loss or gradient is not finite counts as inactive with every weighter: it adds nothing to any gradient,
    and `broken` of the result marks it. Its gradient counts as finite if its squared length, in float32 or better, is
    finite at the task's own parameters, at the features and at the weighter's scope. In two cases the task cannot be
    identified at no cost, and the gradient reaches `.grad`, as after a plain backward: gradients that become infinite
    or NaN inside the encoder, which only scope `shared` sees; and those of decoders in which tasks read each other's
    features, if the weights depend on the losses alone. So check the norm that `clip_grad_norm_` returns before the
    optimizer steps, as the trainer does.

    Args:
        losses: T scalars, or their `torch.stack`. Shape [T].
        features: Result of `cut(encoder(image), T)`.
        weighter: The rule.
        scope: Where the task gradients that the weighter sees are taken. Ignored if it needs only losses.
        last_layer: Weight of the encoder's last layer, for scope `last_layer`.
        shared: Parameters behind the cut that belong to the shared network (MTAN's refinements). They are updated
            like the encoder. Other parameters that several tasks reach get each task's gradient times its weight.
        scale: `sum` multiplies weights on the scale of a mean by the number of active tasks, so that uniform
            weights are 1 for every weighter; `native` keeps the scale of the weighter's paper.
        heads: `weighted` multiplies a task's own gradients by its weight; `raw` does not.
        active: Tasks with labels in this batch; None means all. Shape [T], bool.
        statistics: Scope at which to take the Gramian of the result, independent of what the weighter needs.
        loss_scale: Factor against underflow in float16 (`GradScaler`): `.grad` holds gradients times this factor,
            for `GradScaler.unscale_`; the weighter sees true gradients. A gradient that overflows then leaves an
            infinity in `.grad`, so that the scaler skips the step.

    Raises:
        ValueError: The losses are not T differentiable scalars, the heads read something other than these features,
            the features have been differentiated already, the weighter has a different number of tasks, `last_layer`
            is missing or not part of the encoder, task gradients are requested where nothing is trained, or an option
            is unknown.
    """
    accumulation = Accumulation(
        weighter, scope=scope, scale=scale, heads=heads, statistics=statistics, loss_scale=loss_scale
    )
    accumulation.add(losses, features, last_layer=last_layer, shared=shared, active=active)
    return accumulation.finish()
