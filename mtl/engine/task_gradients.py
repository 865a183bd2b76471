"""The gradients of T losses, before anybody has decided what to do with them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.utils import get_total_norm

from mtl.engine.distributed import mean_over_ranks
from mtl.engine.heads import HeadGradients, HeadGraph
from mtl.engine.shared import JointGradients, SharedGradients, at_least_float32


@dataclass
class TaskGradients:
    """Unweighted gradients of T losses.

    Attributes:
        losses: Detached loss values, mean over processes. Shape [T].
        active: Tasks with labels. Shape [T], bool.
        intact: Tasks whose gradients are finite behind the cut and at the features, as far as they are known by
            task. Shape [T], bool.
        own: Parameters that only task t reaches, with their gradients. T lists of pairs.
        joint: Parameters behind the cut that several tasks reach, with the gradient of each of those tasks.
        common: The gradients at the shared network; None where nobody will ask for them.
        seed: Factor that is on every gradient here; None: 1.
    """

    losses: Tensor
    active: Tensor
    intact: Tensor
    own: list[list[tuple[Tensor, Tensor]]]
    joint: JointGradients
    common: SharedGradients | None
    seed: Tensor | float | None = None

    @property
    def usable(self) -> Tensor:
        """Tasks with labels, a finite loss and finite gradients. Shape [T], bool."""
        return self.active & torch.isfinite(self.losses) & self.intact


def differentiate(
    graph: HeadGraph,
    losses: Tensor,
    active: Tensor,
    *,
    last_layer: Tensor | None = None,
    shared: Iterable[Tensor] = (),
    seed: Tensor | float | None = None,
    keep_graph: bool = False,
) -> TaskGradients:
    """Differentiates all losses down to the cut.

    Args:
        graph: What lies between the cut and the losses.
        losses: Their values in this process. Shape [T].
        active: Tasks with labels. Shape [T], bool.
        last_layer: Weight of the encoder's last layer.
        shared: Parameters behind the cut that belong to the shared network.
        seed: The factor that the graph puts on every gradient.
        keep_graph: Whether it will be differentiated once more.
    """
    found = graph.differentiate(keep_graph)
    losses, norms = mean_over_ranks(torch.stack([losses, _norms(found).to(losses)]))
    refinements = {id(parameter) for parameter in shared}
    behind = [joint for joint in found.joint if id(joint[0]) in refinements]
    joint = [joint for joint in found.joint if id(joint[0]) not in refinements]
    common = SharedGradients(graph.features, found.features, last_layer, behind)
    return TaskGradients(losses, active, torch.isfinite(norms), found.own, joint, common, seed)


def values_of(losses: Sequence[Tensor] | Tensor) -> Tensor:
    """Detached loss values of this process. Shape [T]."""
    return torch.stack([at_least_float32(loss.detach()) for loss in losses])


def _norms(found: HeadGradients) -> Tensor:
    """Length of all that is known of each task's gradient; not finite where a number of it is not. Shape [T]."""
    norms = []
    for task, (maps, own) in enumerate(zip(found.features, found.own, strict=True)):
        joint = [gradients[task] for _, gradients in found.joint if task in gradients]
        norms.append(get_total_norm([*map(at_least_float32, maps), *(gradient for _, gradient in own), *joint]))
    return torch.stack(norms)
