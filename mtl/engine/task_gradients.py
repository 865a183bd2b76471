"""The unweighted gradients of T losses, down to the cut."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.utils import get_total_norm

from mtl.engine.aside import differentiate_aside
from mtl.engine.cut import Features
from mtl.engine.distributed import mean_over_ranks
from mtl.engine.heads import HeadGradients, HeadGraph
from mtl.engine.shared import JointGradients, SharedGradients, at_least_float32


@dataclass
class TaskGradients:
    """Unweighted gradients of T losses.

    Attributes:
        losses: Detached loss values, mean over processes. Shape [T].
        active: Tasks with labels. Shape [T], bool.
        intact: Tasks whose gradients are finite behind the cut and at the features, as far as this is known per
            task. Shape [T], bool.
        own: Parameters that only task t reaches, with their gradients. T lists of pairs.
        joint: Parameters behind the cut that several tasks reach, with the gradient of each of those tasks.
        common: The gradients at the shared network.
        seed: Factor that is on every gradient here; None: 1.
        graph: Graph that is still to be differentiated, in one pass for the weighted sum of the losses. None: it has
            been, and the gradients here make the update.
    """

    losses: Tensor
    active: Tensor
    intact: Tensor
    own: list[list[tuple[Tensor, Tensor]]]
    joint: JointGradients
    common: SharedGradients
    seed: Tensor | float | None = None
    graph: HeadGraph | None = None

    @property
    def usable(self) -> Tensor:
        """Tasks with labels, a finite loss and finite gradients. Shape [T], bool."""
        return self.active & torch.isfinite(self.losses) & self.intact


def differentiate(
    losses: Sequence[Tensor] | Tensor,
    features: Features,
    active: Tensor | None,
    *,
    last_layer: Tensor | None,
    shared: Iterable[Tensor],
    seed: Tensor | float | None,
    sum_is_enough: bool,
    recorded: bool,
) -> TaskGradients:
    """Differentiates all losses down to the cut.

    Where tasks read each other's features, gradients by task cost T passes over the decoder. If the gradient of the
    weighted sum is enough, the graph is left for one pass, which `apply` makes once the weights are known.

    Args:
        losses: As for `backward`.
        features: As for `backward`.
        active: As for `backward`.
        last_layer: As for `backward`.
        shared: As for `backward`.
        seed: Factor on every gradient; None: 1.
        sum_is_enough: Whether the update can be made without the gradients of single tasks.
        recorded: Whether the gradients of single tasks are recorded, even if the update does without them.
    """
    graph = HeadGraph(losses, features, seed)
    features.used = True
    aside = differentiate_aside(features, seed)
    values = torch.stack([at_least_float32(loss.detach()) for loss in losses])  # [T], of this process
    everywhere = torch.ones_like(values, dtype=torch.bool)
    active = everywhere if active is None else active
    summed = sum_is_enough and graph.entangled
    if summed and not recorded:
        common = SharedGradients(features, [], None, [], aside)
        return TaskGradients(mean_over_ranks(values), active, everywhere, [], [], common, seed, graph)
    found = graph.differentiate(keep_graph=summed)
    values, norms = mean_over_ranks(torch.stack([values, _norms(found).to(values)]))
    refinements = {id(parameter) for parameter in shared}
    behind = [joint for joint in found.joint if id(joint[0]) in refinements]
    common = SharedGradients(features, found.features, last_layer, behind, aside)
    if summed:  # the update must not depend on whether there is a record
        return TaskGradients(values, active, everywhere, [], [], common, seed, graph)
    joint = [joint for joint in found.joint if id(joint[0]) not in refinements]
    return TaskGradients(values, active, torch.isfinite(norms), found.own, joint, common, seed)


def _norms(found: HeadGradients) -> Tensor:
    """Length of each task's gradient, as far as it is known; not finite if any of its numbers is not. Shape [T]."""
    norms = []
    for task, (maps, own) in enumerate(zip(found.features, found.own, strict=True)):
        joint = [gradients[task] for _, gradients in found.joint if task in gradients]
        norms.append(get_total_norm([*map(at_least_float32, maps), *(gradient for _, gradient in own), *joint]))
    return torch.stack(norms)
