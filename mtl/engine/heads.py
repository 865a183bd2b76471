"""Backward pass of everything behind the cut: the gradients of every task, with each head differentiated once."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor
from torch.autograd.graph import GradientEdge, get_gradient_edge

from mtl.engine.cut import Features, reach


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


class HeadGraph:
    """The autograd graph between the cut and the losses, with the tasks that reach each leaf.

    If every head is independent (it reads its own copy of the features and no parameter of another task), one pass
    yields the gradients of all losses. Otherwise each loss is differentiated separately: heads that only share
    parameters (MTAN) still cost one pass in total; decoders in which tasks read each other's features (MTI-Net, InvPT)
    cost T passes over the decoder.

    Args:
        losses: T scalars, or their `torch.stack`. Shape [T].
        features: Result of `cut`.
        seed: Factor on every gradient; None: 1.

    Raises:
        ValueError: A head reads maps that were not cut, or features of another cut, or no head reads the features.
    """

    def __init__(
        self, losses: Sequence[Tensor] | Tensor, features: Features, seed: Tensor | float | None = None
    ) -> None:
        self.features = features
        self.edges, seeds = _edges(losses)
        self.seeds = seeds if seed is None else [one * seed for one in seeds]
        self.reached = [reach([edge.node]) for edge in self.edges]  # T pairs (leaves, inner nodes)
        self.owners: dict[int, list[int]] = {}
        self.leaves: dict[int, Tensor] = {}
        for task, (task_leaves, _) in enumerate(self.reached):
            for leaf in task_leaves:
                self.leaves[id(leaf)] = leaf
                self.owners.setdefault(id(leaf), []).append(task)
        self.copies = {id(copy) for copies in features.copies for copy in copies}
        self._check_paths()

    @cached_property
    def separate(self) -> bool:
        """Whether every leaf belongs to one task, and every copy of the features is read by its own task only."""
        mine = [{id(copy) for copy in copies} for copies in self.features.copies]
        return all(len(tasks) == 1 for tasks in self.owners.values()) and all(
            task in self.owners.get(key, [task]) for task, ids in enumerate(mine) for key in ids
        )

    @cached_property
    def entangled(self) -> bool:
        """Whether the graphs of two tasks have nodes in common."""
        return any(self._overlaps(task) for task in range(len(self.reached)))

    def differentiate(self, keep_graph: bool = False) -> HeadGradients:
        """Gradients of all losses down to the cut, per task."""
        by_task = self._one_pass(keep_graph) if self.separate else self._task_by_task(keep_graph)
        maps = [self._at_maps(gradients) for gradients in by_task]
        own: list[list[tuple[Tensor, Tensor]]] = [[] for _ in self.edges]
        joint = []
        for key, tasks in self.owners.items():
            gradients = {task: by_task[task][key] for task in tasks if key in by_task[task]}
            if key in self.copies or not gradients:
                continue
            if len(tasks) == 1:
                own[tasks[0]].append((self.leaves[key], gradients[tasks[0]]))
            else:
                joint.append((self.leaves[key], gradients))
        return HeadGradients(maps, own, joint)

    def differentiate_sum(self, weights: Tensor, tasks: list[int]) -> tuple[list[Tensor], list[tuple[Tensor, Tensor]]]:
        """Gradient of the weighted sum of some tasks' losses, in one pass even if tasks read each other's features.

        Args:
            weights: Of all losses. Shape [T].
            tasks: The tasks that take part.

        Returns:
            The gradient at every encoder map that needs one, and the parameters behind the cut with theirs.
        """
        asked = {id(leaf): leaf for task in tasks for leaf in self.reached[task][0]}
        gradients: dict[int, Tensor] = {}
        if asked:
            seeds = [self.seeds[task] * weights[task].to(self.seeds[task]) for task in tasks]
            found = torch.autograd.grad([self.edges[task] for task in tasks], list(asked.values()), seeds)
            gradients = dict(zip(asked, found, strict=True))
        maps = zip(self.features.maps, self._at_maps(gradients), strict=True)
        behind = [(asked[key], gradient) for key, gradient in gradients.items() if key not in self.copies]
        return [gradient for original, gradient in maps if original.requires_grad], behind

    def _check_paths(self) -> None:
        """Checks that the losses reach the encoder through the features, and through nothing else."""
        features = self.features
        for task, (leaves, nodes) in enumerate(self.reached):
            if any(features.is_copy(leaf) and id(leaf) not in self.copies for leaf in leaves):
                raise ValueError(
                    f"losses[{task}] comes from the features of another mtl.cut: "
                    "give the heads and backward the same ones"
                )
            if not nodes.isdisjoint(features.encoder[1]):
                raise ValueError(
                    f"losses[{task}] reads the encoder's output uncut: give its head features[{task}], "
                    "and cut every map that a head reads"
                )
        if not features.frozen and self.copies.isdisjoint(self.leaves):
            raise ValueError(
                "no loss depends on the features: give head t features[t] (to train the heads alone, cut maps.detach())"
            )

    def _one_pass(self, keep_graph: bool) -> list[dict[int, Tensor]]:
        """Gradients of all losses in a single pass: every leaf belongs to one task."""
        gradients = torch.autograd.grad(self.edges, list(self.leaves.values()), self.seeds, retain_graph=keep_graph)
        by_task: list[dict[int, Tensor]] = [{} for _ in self.edges]
        for key, gradient in zip(self.leaves, gradients, strict=True):
            by_task[self.owners[key][0]][key] = gradient
        return by_task

    def _task_by_task(self, keep_graph: bool) -> list[dict[int, Tensor]]:
        """Gradients of one loss after another; the graph is kept only as long as a later loss needs it."""
        by_task = []
        for task, (leaves, _) in enumerate(self.reached):
            one, keep = slice(task, task + 1), keep_graph or self._overlaps(task)
            gradients = torch.autograd.grad(self.edges[one], leaves, self.seeds[one], retain_graph=keep)
            by_task.append({id(leaf): gradient for leaf, gradient in zip(leaves, gradients, strict=True)})
        return by_task

    def _overlaps(self, task: int) -> bool:
        """Whether the graph of a later task has nodes in common with this task's."""
        nodes = self.reached[task][1]
        return any(nodes & later for _, later in self.reached[task + 1 :])

    def _at_maps(self, gradients: dict[int, Tensor]) -> list[Tensor]:
        """Gradient at each encoder map, summed over its copies; zeros if no loss depends on the map."""
        maps = []
        for index, original in enumerate(self.features.maps):
            copies = [id(copies[index]) for copies in self.features.copies]
            parts = [gradients[key] for key in copies if key in gradients]
            maps.append(sum(parts[1:], start=parts[0]) if parts else torch.zeros_like(original))
        return maps


def _edges(losses: Sequence[Tensor] | Tensor) -> tuple[list[GradientEdge], list[Tensor]]:
    """Graph edge and seed (1) of each loss.

    A stack is replaced by its inputs, because through the stack every loss would reach the graph of all tasks.
    """
    if not isinstance(losses, Tensor):
        return [get_gradient_edge(loss) for loss in losses], [torch.ones_like(loss) for loss in losses]
    stack = losses.grad_fn.next_functions if losses.grad_fn is not None else ()
    edges = [GradientEdge(node, output) for node, output in stack if node is not None]
    return edges, [losses.new_ones(()) for _ in edges]
