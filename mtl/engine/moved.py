"""Passes over a batch at other weights than the present ones."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor

from mtl.engine.distributed import mean_over_ranks
from mtl.engine.heads import HeadGraph
from mtl.engine.objective import Labels, Objective
from mtl.engine.summed import sum_pairs

Pairs = list[tuple[Tensor, Tensor]]  # parameters, with a tensor of the same shape each


@contextmanager
def moved(offsets: Pairs) -> Iterator[None]:
    """Context in which offsets are added to parameters; afterwards they are what they were, bit for bit."""
    saved = [(parameter, parameter.detach().clone()) for parameter, _ in offsets]
    try:
        with torch.no_grad():
            for parameter, offset in offsets:
                parameter.add_(offset)
        yield
    finally:
        with torch.no_grad():
            for parameter, value in saved:
                parameter.copy_(value)


def gradient_of_sum(
    objective: Objective,
    parts: Sequence[Labels],
    weights: Tensor,
    tasks: list[int],
    loss_scale: Tensor | None = None,
) -> tuple[Pairs, Tensor]:
    """Gradient of a weighted sum of losses at all parameters they reach, mean over the parts and over processes.

    Args:
        objective: The network and its losses.
        parts: The batch, or its micro-batches.
        weights: Of all losses. Shape [T].
        tasks: The tasks in the sum.
        loss_scale: Factor on the gradient; None: 1.

    Returns:
        The parameters with their gradients, and the tasks with labels (shape [T], bool).
    """
    seed = (1.0 if loss_scale is None else loss_scale) / len(parts)
    total: Pairs = []
    labelled = []
    for part in parts:
        losses, features, active = objective(part)
        at_maps, behind = HeadGraph(losses, features, seed).differentiate_sum(weights, tasks)
        maps, encoder = [m for m in features.maps if m.requires_grad], features.encoder[0]
        slopes = torch.autograd.grad(maps, encoder, at_maps) if maps else ()
        total = sum_pairs(total, [*zip(encoder, slopes, strict=True), *behind])
        labelled.append(active)
    flat = mean_over_ranks(torch.cat([gradient.flatten() for _, gradient in total]))
    pieces = flat.split([parameter.numel() for parameter, _ in total])
    mean = [(parameter, piece.view_as(parameter)) for (parameter, _), piece in zip(total, pieces, strict=True)]
    return mean, torch.stack(labelled).any(0)
