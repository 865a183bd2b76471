"""Where the shared encoder ends: its feature maps, and a detached copy of them for every task."""

from collections.abc import Iterable, Sequence
from functools import cached_property

import torch
from torch import Tensor
from torch.autograd.graph import Node


class Features:
    """The encoder's maps with one detached copy per task, so that each task's feature gradient stays its own.

    Give `features[t]` to the head of task t. A head may not change it in place.

    Args:
        maps: What the encoder returned: one map or a list of maps. Shape [B, C, H, W] each.
        num_tasks: Number of tasks T.

    Raises:
        ValueError: The maps are not floating-point tensors, or T is not a whole number above 0.
    """

    def __init__(self, maps: Tensor | Sequence[Tensor], num_tasks: int) -> None:
        self._single = isinstance(maps, Tensor)
        self.maps = [maps] if self._single else list(maps) if isinstance(maps, Sequence) else []
        if not self.maps or not all(isinstance(m, Tensor) and m.is_floating_point() for m in self.maps):
            inside = ", ".join(str(m.dtype) if isinstance(m, Tensor) else type(m).__name__ for m in self.maps)
            raise ValueError(
                "mtl.cut takes the encoder's map or a list of maps, such as list(maps.values()), in floating point; "
                f"got {type(maps).__name__} ({inside or 'without maps'})"
            )
        if not (isinstance(num_tasks, int) and num_tasks > 0):
            raise ValueError(f"num_tasks must be a whole number, 1 or more, got {num_tasks!r}")
        self.differentiable = torch.is_grad_enabled()
        self.copies = [[m.detach().requires_grad_(self.differentiable) for m in self.maps] for _ in range(num_tasks)]
        for copies in self.copies:
            for copy in copies:
                copy.is_copy_of_features = True
        self.used = False

    def __len__(self) -> int:
        return len(self.copies)

    def __getitem__(self, task: int) -> Tensor | list[Tensor]:
        # Views, for hooks on a module's inputs (torch's FLOP counter has some) do not bear leaves.
        views = [copy.view_as(copy) for copy in self.copies[task]]
        return views[0] if self._single else views

    @property
    def frozen(self) -> bool:
        """Whether nothing can be learned before the cut."""
        return not any(m.requires_grad for m in self.maps)

    @cached_property
    def encoder(self) -> tuple[list[Tensor], set[Node]]:
        """Parameters that the maps depend on, and the nodes of the graph between them."""
        return reach(m.grad_fn for m in self.maps if m.requires_grad)

    @staticmethod
    def is_copy(leaf: Tensor) -> bool:
        """Whether a leaf of a graph is a copy that some `cut` has made."""
        return hasattr(leaf, "is_copy_of_features")


def cut(maps: Tensor | Sequence[Tensor], num_tasks: int) -> Features:
    """Cuts the graph behind the shared encoder; `backward` joins it again."""
    return Features(maps, num_tasks)


def reach(roots: Iterable[Node | None]) -> tuple[list[Tensor], set[Node]]:
    """Leaf tensors that the roots depend on, in the order they are met, and the nodes on the way."""
    leaves, nodes, seen = {}, set(), set()
    stack = list(roots)
    while stack:
        node = stack.pop()
        if node is None or node in seen:
            continue
        seen.add(node)
        if hasattr(node, "variable"):
            leaves[id(node.variable)] = node.variable
        else:
            nodes.add(node)
        stack.extend(child for child, _ in node.next_functions)
    return list(leaves.values()), nodes
