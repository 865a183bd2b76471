"""The gradients of T losses, before anybody has decided what to do with them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from mtl.engine.cut import Features
from mtl.engine.distributed import mean_over_ranks
from mtl.engine.heads import differentiate_heads
from mtl.engine.shared import JointGradients, SharedGradients, at_least_float32


@dataclass
class TaskGradients:
    """Unweighted gradients of T losses.

    Attributes:
        losses: Detached loss values, mean over processes. Shape [T].
        active: Tasks with labels and a finite loss. Shape [T], bool.
        own: Parameters that only task t reaches, with their gradients. T lists of pairs.
        joint: Parameters behind the cut that several tasks reach, with the gradient of each of those tasks.
        common: The gradients at the shared network.
        seed: Factor that is on every gradient here; None: 1.
    """

    losses: Tensor
    active: Tensor
    own: list[list[tuple[Tensor, Tensor]]]
    joint: JointGradients
    common: SharedGradients
    seed: Tensor | float | None = None


def differentiate(
    losses: Sequence[Tensor] | Tensor,
    features: Features,
    *,
    last_layer: Tensor | None = None,
    shared: Iterable[Tensor] = (),
    active: Tensor | None = None,
    seed: Tensor | float | None = None,
) -> TaskGradients:
    """Differentiates the losses down to the cut; arguments as those of `backward`.

    Args:
        losses: T scalars, or their `torch.stack`. Shape [T].
        features: What `cut` returned.
        last_layer: Weight of the encoder's last layer.
        shared: Parameters behind the cut that belong to the shared network.
        active: Tasks with labels; None means all. Shape [T], bool.
        seed: Factor on every gradient; None: 1.
    """
    values = mean_over_ranks(torch.stack([at_least_float32(loss.detach()) for loss in losses]))  # [T]
    finite = torch.isfinite(values)
    found = differentiate_heads(losses, features, seed)
    refinements = {id(parameter) for parameter in shared}
    behind = [joint for joint in found.joint if id(joint[0]) in refinements]
    return TaskGradients(
        losses=values,
        active=finite if active is None else active & finite,
        own=found.own,
        joint=[joint for joint in found.joint if id(joint[0]) not in refinements],
        common=SharedGradients(features, found.features, last_layer, behind),
        seed=seed,
    )
