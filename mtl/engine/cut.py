"""Cuts the graph at the end of the shared encoder: its feature maps, with a detached copy for every task."""

from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import NamedTuple

import torch
from torch import Tensor
from torch.autograd.graph import Node


class Features:
    """The encoder's maps with one detached copy per task, which keeps the feature gradients of the tasks apart.

    Give `features[t]` to the head of task t. A head must not change it in place.

    Args:
        maps: Output of the encoder: one map or a list of maps. Shape [B, C, H, W] each.
        num_tasks: Number of tasks T.

    Raises:
        ValueError: The maps are not floating-point tensors, or T is not a whole number above 0.
    """

    def __init__(self, maps: Tensor | Sequence[Tensor], num_tasks: int) -> None:
        self._single = isinstance(maps, Tensor)
        self.maps: list[Tensor] = (
            [maps] if isinstance(maps, Tensor) else list(maps) if isinstance(maps, Sequence) else []
        )
        if not self.maps or not all(isinstance(m, Tensor) and m.is_floating_point() for m in self.maps):
            inside = ", ".join(str(m.dtype) if isinstance(m, Tensor) else type(m).__name__ for m in self.maps)
            raise ValueError(
                "mtl.cut takes the encoder's map or a list of maps, such as list(maps.values()), in floating point; "
                f"got {type(maps).__name__} ({inside or 'without maps'})"
            )
        if not (isinstance(num_tasks, int) and num_tasks > 0):
            raise ValueError(f"num_tasks must be a whole number, 1 or more, got {num_tasks!r}")
        self.differentiable = torch.is_grad_enabled()
        self.copies = [self.copy() for _ in range(num_tasks)]
        self.aside: Aside | None = None
        self.used = False

    def __len__(self) -> int:
        return len(self.copies)

    def __getitem__(self, task: int) -> Tensor | list[Tensor]:
        # Views, because hooks on a module's inputs, such as those of torch's FLOP counter, do not accept leaves.
        views = [copy.view_as(copy) for copy in self.copies[task]]
        return views[0] if self._single else views

    def copy(self) -> list[Tensor]:
        """A detached copy of every map."""
        copies = []
        for m in self.maps:  # no one needs gradients at those that are not trained
            copies.append(m.detach().requires_grad_(self.differentiable and m.requires_grad))
            copies[-1].is_copy_of_features = True  # pyright: ignore[reportAttributeAccessIssue]  a mark of our own
        return copies

    @property
    def frozen(self) -> bool:
        """Whether nothing before the cut is trained."""
        return not any(m.requires_grad for m in self.maps)

    @cached_property
    def encoder(self) -> tuple[list[Tensor], set[Node]]:
        """Parameters that the maps depend on, and the graph nodes between parameters and maps."""
        return reach(m.grad_fn for m in self.maps if m.requires_grad)

    @staticmethod
    def is_copy(leaf: Tensor) -> bool:
        """Whether a leaf of a graph is a copy made by any `cut`."""
        return hasattr(leaf, "is_copy_of_features")


class Aside(NamedTuple):
    """An objective that belongs to no task."""

    value: Tensor  # scalar
    copies: list[Tensor]  # the maps that it was computed from, as returned by `Features.copy`


def cut(maps: Tensor | Sequence[Tensor], num_tasks: int) -> Features:
    """Cuts the graph at the end of the shared encoder; `backward` joins it again."""
    return Features(maps, num_tasks)


def reach(roots: Iterable[Node | None]) -> tuple[list[Tensor], set[Node]]:
    """Leaf tensors that the roots depend on, in the order of traversal, and the inner nodes in between."""
    leaves, nodes, seen = {}, set(), set()
    stack = list(roots)
    while stack:
        node = stack.pop()
        if node is None or node in seen:
            continue
        seen.add(node)
        variable = getattr(node, "variable", None)
        if variable is not None:
            leaves[id(variable)] = variable
        else:
            nodes.add(node)
        stack.extend(child for child, _ in node.next_functions)
    return list(leaves.values()), nodes
