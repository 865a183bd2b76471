"""InvPT's UP-Transformer: tokens of all tasks meet at one scale after another, each twice as fine as the last.

Ye and Xu, Inverted Pyramid Multi-task Transformer for Dense Scene Understanding, ECCV 2022.
https://arxiv.org/abs/2203.07997
"""

from collections.abc import Iterable

import torch.nn.functional as F
from torch import Tensor, nn

from mtl.layers import ConvBNReLU, CrossTaskAttention


class UpEmbedding(nn.Module):
    """Makes one task's map as fine as the encoder's skip, in fewer channels, and adds the skip.

    Args:
        in_channels: Channels of the map.
        channels: Channels of the skip and of the output.
    """

    def __init__(self, in_channels: int, channels: int) -> None:
        super().__init__()
        self.convolutions = nn.Sequential(
            ConvBNReLU(in_channels, channels, 3, dilation=2), ConvBNReLU(channels, channels, 3, dilation=2)
        )

    def forward(self, x: Tensor, skip: Tensor) -> Tensor:
        """Map [B, channels, 2H, 2W] of a map [B, in_channels, H, W] and a skip of the size of the output."""
        x = F.interpolate(x, size=skip.shape[-2:], mode="bilinear", align_corners=False)
        return self.convolutions(x) + skip


class UPTransformerBlock(nn.Module):
    """Tasks tell each other what they see, then each place thinks by itself.

        x = x + up(attention(norm(x)))
        x = x + mlp(norm(x))

    Args:
        task_names: Names of the tasks, in their order.
        channels: Channels C of a token.
        num_heads: Heads of the attention.
        mlp_ratio: Width of the hidden layer over C.
        pool: Side of the squares over which keys and values are averaged.
        message: Whether attention scores of a coarser block come in.
    """

    def __init__(
        self, task_names: Iterable[str], channels: int, num_heads: int, mlp_ratio: int, pool: int, message: bool
    ) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(channels)
        self.attention = CrossTaskAttention(task_names, channels, num_heads, pool, message)
        self.mlp = nn.Sequential(
            nn.LayerNorm(channels),
            nn.Linear(channels, mlp_ratio * channels),
            nn.GELU(),
            nn.Linear(mlp_ratio * channels, channels),
        )

    def forward(self, tokens: Tensor, scores: Tensor | None) -> tuple[Tensor, Tensor]:
        """Tokens [B, T, H, W, C] after the block, and its attention scores; `scores` are those of the coarser block."""
        found, scores = self.attention(self.norm(tokens), scores)  # [B, T, H / 2, W / 2, C]
        maps = found.flatten(0, 1).movedim(-1, 1)  # [B T, C, H / 2, W / 2]
        maps = F.interpolate(maps, size=tokens.shape[2:4], mode="bilinear", align_corners=False)
        tokens = tokens + maps.movedim(1, -1).unflatten(0, tokens.shape[:2])
        return tokens + self.mlp(tokens), scores
