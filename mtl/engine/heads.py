"""The backward pass of everything behind the cut: every task's own gradients, each head differentiated once."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.autograd.graph import GradientEdge, Node, get_gradient_edge

from mtl.engine.cut import Features
from mtl.engine.graph import reach


@dataclass
class HeadGradients:
    """Unweighted gradients of T losses behind the cut.

    Attributes:
        features: Gradient of every task's loss at every encoder map. T lists of tensors shaped like the maps.
        own: Parameters that only task t reaches, with their gradients. T lists of pairs.
        joint: Parameters that several tasks reach, with the gradient of each of those tasks.
    """

    features: list[list[Tensor]]
    own: list[list[tuple[Tensor, Tensor]]]
    joint: list[tuple[Tensor, dict[int, Tensor]]]


def differentiate_heads(
    losses: Sequence[Tensor] | Tensor, features: Features, seed: Tensor | float | None = None
) -> HeadGradients:
    """Differentiates all losses down to the cut.

    Which task reaches which parameter is read off the autograd graph. Where every head is independent (it reads
    its own copy of the features and no parameter of another task), one pass yields everything. Otherwise each
    loss is differentiated by itself: heads that only share parameters (MTAN) still cost one pass in total,
    decoders in which tasks read each other's features (MTI-Net, InvPT) cost T passes over the decoder.

    Args:
        losses: T scalars, or their `torch.stack`. Shape [T].
        features: What `cut` returned.
        seed: Factor on every gradient; None: 1.
    """
    edges, seeds = _edges(losses, len(features))
    seeds = seeds if seed is None else [one * seed for one in seeds]
    reached = [reach([edge.node]) for edge in edges]  # T pairs (leaves, inner nodes)
    copy_ids = [{id(copy) for copy in copies} for copies in features.copies]
    all_copies = set().union(*copy_ids)
    owners: dict[int, list[int]] = {}
    leaves: dict[int, Tensor] = {}
    for task, (task_leaves, _) in enumerate(reached):
        for leaf in task_leaves:
            leaves[id(leaf)] = leaf
            owners.setdefault(id(leaf), []).append(task)

    separate = all(len(tasks) == 1 for tasks in owners.values()) and all(
        task in owners.get(key, [task]) for task, ids in enumerate(copy_ids) for key in ids
    )
    by_task = _one_pass(edges, seeds, owners, leaves) if separate else _task_by_task(edges, seeds, reached)

    maps = [_sum_over_copies(gradients, features) for gradients in by_task]
    own: list[list[tuple[Tensor, Tensor]]] = [[] for _ in edges]
    joint = []
    for key, tasks in owners.items():
        gradients = {task: by_task[task][key] for task in tasks if key in by_task[task]}
        if key in all_copies or not gradients:
            continue
        if len(tasks) == 1:
            own[tasks[0]].append((leaves[key], gradients[tasks[0]]))
        else:
            joint.append((leaves[key], gradients))
    return HeadGradients(maps, own, joint)


def _edges(losses: Sequence[Tensor] | Tensor, num_tasks: int) -> tuple[list[GradientEdge], list[Tensor]]:
    """Graph edge and seed (1) of each loss; a stack is opened, for through it every loss seems to reach everything."""
    if len(losses) != num_tasks:
        raise ValueError(f"{len(losses)} losses, but the features were cut for {num_tasks} tasks")
    if not isinstance(losses, Tensor):
        return [get_gradient_edge(loss) for loss in losses], [torch.ones_like(loss) for loss in losses]
    if losses.grad_fn is None or losses.grad_fn.name() != "StackBackward0":
        raise ValueError("losses must be T scalars or torch.stack of them: any other tensor hides which task is which")
    edges = [GradientEdge(node, output) for node, output in losses.grad_fn.next_functions]
    return edges, [losses.new_ones(()) for _ in edges]


def _one_pass(
    edges: list[GradientEdge], seeds: list[Tensor], owners: dict[int, list[int]], leaves: dict[int, Tensor]
) -> list[dict[int, Tensor]]:
    """Gradients of all losses in a single pass: every leaf belongs to one task."""
    gradients = torch.autograd.grad(edges, list(leaves.values()), grad_outputs=seeds)
    by_task: list[dict[int, Tensor]] = [{} for _ in edges]
    for key, gradient in zip(leaves, gradients, strict=True):
        by_task[owners[key][0]][key] = gradient
    return by_task


def _task_by_task(
    edges: list[GradientEdge], seeds: list[Tensor], reached: list[tuple[list[Tensor], set[Node]]]
) -> list[dict[int, Tensor]]:
    """Gradients of one loss after another; the graph is kept only as long as a later loss still needs it."""
    by_task = []
    for task, (leaves, nodes) in enumerate(reached):
        keep = any(nodes & later for _, later in reached[task + 1 :])
        gradients = torch.autograd.grad(edges[task : task + 1], leaves, seeds[task : task + 1], retain_graph=keep)
        by_task.append({id(leaf): gradient for leaf, gradient in zip(leaves, gradients, strict=True)})
    return by_task


def _sum_over_copies(gradients: dict[int, Tensor], features: Features) -> list[Tensor]:
    """Gradient at each encoder map: summed over the copies through which a task reads it; zeros where it reads none."""
    maps = []
    for index, original in enumerate(features.maps):
        parts = [gradients[id(copies[index])] for copies in features.copies if id(copies[index]) in gradients]
        maps.append(sum(parts[1:], start=parts[0]) if parts else torch.zeros_like(original))
    return maps
