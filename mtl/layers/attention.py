"""Attention across the pixels of all tasks, with scores passed on to the next scale.

Ye and Xu, Inverted Pyramid Multi-task Transformer for Dense Scene Understanding, ECCV 2022.
https://arxiv.org/abs/2203.07997, cross-scale self-attention of the UP-Transformer.
"""

from collections.abc import Iterable

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class CrossTaskAttention(nn.Module):
    """Attention from every pixel of every task to all pixels of all tasks, fused with the coarser scale's scores.

    With Q from the tokens of each task at half resolution, K and V from their averages over squares of `pool` pixels,
    and S_c the scores of the coarser scale, resized to the queries,

        S = Q K^T / sqrt(C)                    at the coarsest scale
        S = fuse([Q K^T / sqrt(C), S_c])       at the others; fuse mixes the heads of each pair of pixels
        output = softmax(S) V W

    Deviations from the paper: as in the published code, scores are divided by the square root of all channels C, not
    of the channels of one head. `fuse` exists only if `message` is set.

    Args:
        task_names: Names of the tasks, in their order.
        channels: Channels C of a token.
        num_heads: Number of heads N.
        pool: Side of the squares over which keys and values are averaged, in tokens.
        message: Whether the layer receives scores of a coarser scale.
    """

    def __init__(self, task_names: Iterable[str], channels: int, num_heads: int, pool: int, message: bool) -> None:
        super().__init__()
        self.num_heads, self.pool = num_heads, pool
        self.reduce = nn.ModuleDict(
            {
                name: nn.Sequential(
                    nn.Conv2d(channels, channels, 3, stride=2, padding=1, groups=channels, bias=False),
                    nn.BatchNorm2d(channels),
                )
                for name in task_names
            }
        )
        self.query = nn.Linear(channels, channels)
        self.key = nn.Linear(channels, channels)
        self.value = nn.Linear(channels, channels)
        self.output = nn.Linear(channels, channels)
        self.fuse = nn.Conv2d(2 * num_heads, num_heads, 1) if message else None

    def forward(self, tokens: Tensor, coarser: Tensor | None) -> tuple[Tensor, Tensor]:
        """Output tokens and attention scores.

        Args:
            tokens: Tokens of all tasks. Shape [B, T, H, W, C].
            coarser: Scores of the coarser scale; None at the coarsest. Shape [B, N, T, H', W', P] with P keys.

        Returns:
            Output at the size of the queries [B, T, H / 2, W / 2, C], rounded up, and scores before softmax
            [B, N, T, H / 2, W / 2, P].
        """
        maps = tokens.movedim(-1, 2)  # [B, T, C, H, W]
        pairs = zip(self.reduce.values(), maps.unbind(1), strict=True)
        asking = torch.stack([reduce(task_map) for reduce, task_map in pairs], dim=1)  # [B, T, C, H / 2, W / 2]
        asked = F.avg_pool2d(maps.flatten(0, 1), self.pool, ceil_mode=True).unflatten(0, maps.shape[:2])
        grid = (asking.shape[1], asking.shape[3], asking.shape[4])  # T, H / 2, W / 2

        queries = self._by_head(self.query(_sequence(asking)))  # [B, N, T H W / 4, C / N]
        keys, values = (self._by_head(linear(_sequence(asked))) for linear in (self.key, self.value))
        scores = queries @ keys.mT * tokens.shape[-1] ** -0.5  # [B, N, T H W / 4, P]
        if self.fuse is not None and coarser is not None:
            message = resize_queries(coarser, grid[1:]).flatten(2, 4)
            scores = self.fuse(torch.cat([scores, message], dim=1))
        found = (scores.softmax(dim=-1) @ values).transpose(1, 2).flatten(2)  # [B, T H W / 4, C]
        return self.output(found).unflatten(1, grid), scores.unflatten(2, grid)

    def _by_head(self, tokens: Tensor) -> Tensor:
        """Tokens [B, P, C] as [B, N, P, C / N]."""
        return tokens.unflatten(-1, (self.num_heads, -1)).transpose(1, 2)


def resize_queries(scores: Tensor, size: tuple[int, int]) -> Tensor:
    """Resize scores [B, N, T, H', W', P] to a query grid of another size, bilinearly: [B, N, T, *size, P]."""
    maps = scores.flatten(0, 2).permute(0, 3, 1, 2)  # a map per key
    maps = F.interpolate(maps, size=size, mode="bilinear", align_corners=False)
    return maps.permute(0, 2, 3, 1).unflatten(0, scores.shape[:3])


def _sequence(maps: Tensor) -> Tensor:
    """Maps [B, T, C, H, W] as one sequence of tokens [B, T H W, C]."""
    return maps.movedim(2, -1).flatten(1, 3)
