"""The gradient of an objective that belongs to no task, such as the distillation of foundation models."""

import torch
from torch import Tensor

from mtl.engine.cut import Features, reach
from mtl.engine.distributed import mean_over_ranks
from mtl.engine.shared import add_gradient


def differentiate_aside(features: Features, seed: Tensor | float | None) -> list[Tensor]:
    """Gradient of the objective at every map that is trained; none if there is no objective.

    What else it reaches, its own parameters, gets its gradient, averaged over processes, in `.grad`.

    Args:
        features: Result of `cut`, whose `aside` is the objective.
        seed: Factor on every gradient; None: 1.
    """
    if features.aside is None:
        return []
    value, copies = features.aside
    leaves, _ = reach([value.grad_fn])
    start = torch.ones_like(value) if seed is None else torch.ones_like(value) * seed
    gradients = dict(zip(map(id, leaves), torch.autograd.grad(value, leaves, start), strict=True))
    if own := [leaf for leaf in leaves if not features.is_copy(leaf)]:
        flat = mean_over_ranks(torch.cat([gradients[id(parameter)].flatten() for parameter in own]))
        for parameter, part in zip(own, flat.split([parameter.numel() for parameter in own]), strict=True):
            add_gradient(parameter, part.view_as(parameter))
    trained = [copy for copy in copies if copy.requires_grad]
    return [gradients[id(copy)] if id(copy) in gradients else torch.zeros_like(copy) for copy in trained]
