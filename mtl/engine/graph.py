"""Reading the autograd graph."""

from collections.abc import Iterable

from torch import Tensor
from torch.autograd.graph import Node


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
