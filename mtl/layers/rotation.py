"""Rotation of the channels of feature maps, one for every task and map."""

from collections.abc import Sequence
from typing import Annotated

import torch
from annotated_types import Ge
from torch import Tensor, nn


class Rotation(nn.Module):
    """Multiplies the channels of task t's copy of each map by a rotation R_t, at every place.

    The R_t start at the identity. They are buffers: losses do not train them; RotoGrad does.

    Args:
        num_tasks: Number of tasks T.
        channels: Channels of each map.
        size: The first `size` channels of a map are rotated, the others pass unchanged.
    """

    def __init__(self, num_tasks: int, channels: Sequence[int], size: Annotated[int, Ge(1)]) -> None:
        super().__init__()
        for index, count in enumerate(channels):
            self.register_buffer(f"map{index}", torch.eye(min(count, size)).repeat(num_tasks, 1, 1))  # [T, m, m]

    @property
    def turns(self) -> list[Tensor]:
        """The R_t of each map. Shape [T, m, m] each."""
        return list(self.buffers())

    @torch.autocast("cuda", enabled=False)
    @torch.autocast("cpu", enabled=False)
    def forward(self, features: Sequence[Sequence[Tensor]]) -> list[list[Tensor]]:
        """The rotated maps [B, C, H, W] of every task.

        Raises:
            ValueError: The network is cut behind other maps than those of its encoder.
        """
        if len(features[0]) != len(self.turns):
            raise ValueError("rotations need a network that is cut behind its encoder: use model=vanilla or mtan")
        return [
            [rotated(m, turn[task]) for m, turn in zip(features[task], self.turns, strict=True)]
            for task in range(len(features))
        ]


def rotated(maps: Tensor, turn: Tensor) -> Tensor:
    """The maps with their first channels multiplied by R. Shapes [B, C, H, W] and [m, m]."""
    front, rest = maps[:, : len(turn)], maps[:, len(turn) :]
    turned = torch.einsum("ij,bjhw->bihw", turn, front.to(turn)).to(maps)
    return torch.cat([turned, rest], dim=1)
