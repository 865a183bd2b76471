"""Where the shared encoder ends: its feature maps, and a detached copy of them for every task."""

from collections.abc import Sequence

import torch
from torch import Tensor


class Features:
    """The encoder's maps with one detached copy per task, so that each task's feature gradient stays its own.

    Give `features[t]` to the head of task t. A head may not change it in place.

    Args:
        maps: What the encoder returned: one map or a list of maps. Shape [B, C, H, W] each.
        num_tasks: Number of tasks T.
    """

    def __init__(self, maps: Tensor | Sequence[Tensor], num_tasks: int) -> None:
        self._single = isinstance(maps, Tensor)
        self.maps = [maps] if isinstance(maps, Tensor) else list(maps)
        differentiable = torch.is_grad_enabled()
        self.copies = [[m.detach().requires_grad_(differentiable) for m in self.maps] for _ in range(num_tasks)]

    def __len__(self) -> int:
        return len(self.copies)

    def __getitem__(self, task: int) -> Tensor | list[Tensor]:
        # Views, for hooks on a module's inputs (torch's FLOP counter has some) do not bear leaves.
        views = [copy.view_as(copy) for copy in self.copies[task]]
        return views[0] if self._single else views


def cut(maps: Tensor | Sequence[Tensor], num_tasks: int) -> Features:
    """Cuts the graph behind the shared encoder; `backward` joins it again."""
    return Features(maps, num_tasks)
