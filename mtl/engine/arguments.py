"""Checks the arguments of the engine. Each error is one line that says what to do instead."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from mtl.engine.cut import Features
from mtl.weighters.base import Needs, Scope, Update, Weighter

MISSING = (
    "for a task without labels, give a loss that depends on its head, such as output.sum() * 0, "
    "and set its entry of active to False"
)


def check_options(
    weighter: Weighter, parts: int, mode: str, scale: str, heads: str, loss_scale: Tensor | float | None
) -> None:
    """Checks the weighter and the options for applying it; the arguments are those of `Accumulation`.

    Raises:
        ValueError: One of them is invalid.
    """
    if not isinstance(weighter, Weighter):
        hint = f"{weighter.__name__}(num_tasks=...)" if isinstance(weighter, type) else "mtl.weighters.AvgNorm(3)"
        raise ValueError(f"weighter must be an object such as {hint}, got {weighter!r}")
    if not (isinstance(parts, int) and parts > 0):
        raise ValueError(f"parts must be a whole number of micro-batches, 1 or more, got {parts!r}")
    words = {"mode": (mode, "exact", "first"), "scale": (scale, "sum", "native"), "heads": (heads, "weighted", "raw")}
    for key, (word, *known) in words.items():
        if word not in known:
            raise ValueError(f"{key}={word!r}: use {' or '.join(known)}")
    number = isinstance(loss_scale, Tensor) and loss_scale.ndim == 0
    number |= isinstance(loss_scale, float | int) and loss_scale > 0
    if loss_scale is not None and not number:
        raise ValueError(f"loss_scale must be a positive scalar, such as scaler.get_scale(), got {loss_scale!r}")


def scope_of(word: Scope | str, key: str) -> Scope:
    """The scope with this name.

    Raises:
        ValueError: There is no such scope.
    """
    try:
        return Scope(word)
    except ValueError:
        raise ValueError(f"{key}={word!r}: use {', '.join(scope.value for scope in Scope)}") from None


def check_scope(weighter: Weighter, scope: Scope) -> None:
    """Checks that the weighter can be applied at the scope.

    Raises:
        ValueError: Otherwise.
    """
    if weighter.needs is not Needs.LOSSES and scope not in weighter.scopes:
        offer = " or ".join(known.value for known in weighter.scopes)
        raise ValueError(f"{type(weighter).__name__} cannot be applied at scope={scope.value}: use {offer}")


def check_part(
    losses: Sequence[Tensor] | Tensor,
    features: Features,
    weighter: Weighter,
    *,
    scopes: Iterable[Scope],
    last_layer: Tensor | None,
    shared: Iterable[Tensor],
    active: Tensor | None,
) -> list[Tensor]:
    """Checks the arguments of `backward` for one micro-batch; returns `shared` as a list.

    Raises:
        ValueError: One of them is invalid.
    """
    check_features(features, weighter)
    check_losses(losses, len(features))
    shared = parameters_of(shared)
    check_scopes(scopes, features, last_layer, shared)
    check_active(active, losses)
    return shared


def check_features(features: Features, weighter: Weighter) -> None:
    """Checks that the features can be differentiated and have as many tasks as the weighter.

    Raises:
        ValueError: Otherwise.
    """
    if not isinstance(features, Features):
        raise ValueError(
            f"features must be what mtl.cut(encoder(image), num_tasks) returned, got {type(features).__name__}"
        )
    if weighter.num_tasks != len(features):
        name = type(weighter).__name__
        raise ValueError(
            f"{name} was built for {weighter.num_tasks} tasks, but the features were cut for {len(features)}: "
            f"build it with num_tasks={len(features)}"
        )
    if features.used and not features.frozen:
        raise ValueError(
            "these features have been differentiated already: run the encoder, mtl.cut and the heads again for "
            "every backward"
        )
    if not features.differentiable:
        raise ValueError("the features were cut under torch.no_grad(): run encoder, mtl.cut and heads with gradients")


def check_losses(losses: Sequence[Tensor] | Tensor, num_tasks: int) -> None:
    """Checks that there is one differentiable scalar per task.

    Raises:
        ValueError: Otherwise.
    """
    if isinstance(losses, Mapping):
        raise ValueError(
            "losses is a dict: give a list in the order of the features, such as [losses[name] for name in names]"
        )
    if isinstance(losses, Tensor):
        if losses.ndim != 1:
            raise ValueError(
                f"losses is one tensor of shape {list(losses.shape)}: give a list of {num_tasks} scalars, one per task"
            )
    elif not isinstance(losses, Sequence) or isinstance(losses, str):
        raise ValueError(f"losses must be a list of {num_tasks} scalars, one per task, got {type(losses).__name__}")
    if len(losses) != num_tasks:
        raise ValueError(f"{len(losses)} losses, but the features were cut for {num_tasks} tasks")
    if isinstance(losses, Tensor):
        _check_stack(losses)
        return
    for task, loss in enumerate(losses):
        if not isinstance(loss, Tensor):
            raise ValueError(f"losses[{task}] is {loss!r}, not a tensor: {MISSING}")
        if loss.ndim:
            raise ValueError(f"losses[{task}] has shape {list(loss.shape)}: reduce it to a scalar, such as by .mean()")
        if not loss.requires_grad:
            raise ValueError(
                f"losses[{task}] has no gradient, it is a constant or was computed under no_grad: {MISSING}"
            )
        if not loss.is_floating_point():
            raise ValueError(f"losses[{task}] is {loss.dtype}: a loss must be a real number")
    devices = sorted({str(loss.device) for loss in losses})
    if len(devices) > 1:
        raise ValueError(
            f"the losses are on {' and '.join(devices)}: move them to one device, by loss.to({devices[0]!r})"
        )


def _check_stack(losses: Tensor) -> None:
    """Checks that the tensor [T] is a stack of differentiable scalars; in any other tensor, tasks share a graph."""
    if losses.grad_fn is None or losses.grad_fn.name() != "StackBackward0":
        raise ValueError("losses is a tensor, but not a torch.stack of scalars: give the list of losses instead")
    for task, (node, _) in enumerate(losses.grad_fn.next_functions):
        if node is None:
            raise ValueError(
                f"losses[{task}] has no gradient, it is a constant or was computed under no_grad: {MISSING}"
            )


def check_active(active: Tensor | None, losses: Sequence[Tensor] | Tensor) -> None:
    """Checks that the mask matches the T losses in shape and device.

    Raises:
        ValueError: Otherwise.
    """
    if active is None:
        return
    shape, device = (len(losses),), losses[0].device
    wanted = f"active must be a bool tensor of shape {list(shape)} on {device}"
    if not isinstance(active, Tensor):
        raise ValueError(f"{wanted}, got {type(active).__name__}")
    if active.dtype != torch.bool or active.shape != shape or active.device != device:
        raise ValueError(f"{wanted}, got {active.dtype} of shape {list(active.shape)} on {active.device}")


def parameters_of(shared: Iterable[Tensor]) -> list[Tensor]:
    """The parameters behind the cut that belong to the shared network, as a list.

    Raises:
        ValueError: They are not an iterable of tensors.
    """
    listed = [shared] if isinstance(shared, Tensor | nn.Module) else list(shared)
    if isinstance(shared, Tensor | nn.Module) or not all(isinstance(parameter, Tensor) for parameter in listed):
        raise ValueError(
            "shared must be a list of parameters, such as shared=list(module.parameters()), "
            f"got {type(shared).__name__} of {type(listed[0]).__name__}"
        )
    return listed


def check_scopes(
    scopes: Iterable[Scope], features: Features, last_layer: Tensor | None, shared: Sequence[Tensor]
) -> None:
    """Checks that task gradients exist at the scopes.

    Raises:
        ValueError: Nothing before the cut is trained, and the scope is there or nothing behind the cut is shared; or
            the weight of the encoder's last layer is missing or not part of it.
    """
    for scope in scopes:
        if features.frozen and scope is Scope.SHARED and any(parameter.requires_grad for parameter in shared):
            continue
        if features.frozen:
            raise ValueError(
                f"the encoder is frozen, so there are no task gradients at scope {scope.value}: unfreeze it, or use "
                "scope shared and name what tasks share behind the cut by shared="
            )
        if scope is not Scope.LAST_LAYER:
            continue
        if last_layer is None:
            raise ValueError("scope last_layer needs last_layer=: the weight of the encoder's last layer")
        if not isinstance(last_layer, Tensor):
            raise ValueError(f"last_layer must be a weight, such as layer.weight, got {type(last_layer).__name__}")
        if not any(last_layer is parameter for parameter in features.encoder[0]):
            raise ValueError(
                "last_layer is not a parameter of the encoder that the features come from, or it is frozen"
            )


def check_update(update: Any, weighter: Weighter) -> None:
    """Checks the return value of a weighter.

    Raises:
        ValueError: It is not an `Update` with a weight for every task.
    """
    name, shape = type(weighter).__name__, (weighter.num_tasks,)
    if not isinstance(update, Update):
        raise ValueError(f"{name}.forward must return an Update, got {type(update).__name__}")
    for key in ("weights", "shared_weights"):
        value = getattr(update, key)
        if (value is None and key == "shared_weights") or (isinstance(value, Tensor) and value.shape == shape):
            continue
        found = list(value.shape) if isinstance(value, Tensor) else type(value).__name__
        raise ValueError(f"{name}.forward must return {key} of shape {list(shape)}, got {found}")
