"""UP-Transformer of InvPT: the tokens of all tasks interact at successive scales of doubling resolution.

Ye and Xu, Inverted Pyramid Multi-task Transformer for Dense Scene Understanding, ECCV 2022.
https://arxiv.org/abs/2203.07997
"""

from collections.abc import Iterable

import torch.nn.functional as F
from torch import Tensor, nn

from mtl.layers import ConvBNReLU, CrossTaskAttention


class UpEmbedding(nn.Module):
    """Doubles the resolution of one task's map, reduces its channels and adds the encoder's skip.

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
    """Transformer block: attention across the tokens of all tasks, then an MLP per token.

        x = x + up(attention(norm(x)))
        x = x + mlp(norm(x))

    Args:
        task_names: Names of the tasks, in their order.
        channels: Channels C of a token.
        num_heads: Number of attention heads.
        mlp_ratio: Width of the hidden layer relative to C.
        pool: Side of the squares over which keys and values are averaged, in tokens.
        message: Whether the block receives attention scores of a coarser one.
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
        found, fused = self.attention(self.norm(tokens), scores)  # [B, T, H / 2, W / 2, C]
        maps = found.flatten(0, 1).movedim(-1, 1)  # [B T, C, H / 2, W / 2]
        maps = F.interpolate(maps, size=tokens.shape[2:4], mode="bilinear", align_corners=False)
        tokens = tokens + maps.movedim(1, -1).unflatten(0, tokens.shape[:2])
        return tokens + self.mlp(tokens), fused
