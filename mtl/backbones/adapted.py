"""A vision transformer with paths of small adaptors along its blocks, one for each foundation model.

Lu, Cao, Wang, Swiss Army Knife: Synergizing Biases in Knowledge from Vision Foundation Models for Multi-Task Learning,
ICLR 2025. https://arxiv.org/abs/2410.14633
"""

from typing import Any, cast

import torch
from torch import Tensor, nn

from mtl.backbones.base import Backbone


class Adaptor(nn.Module):
    """u + s W_2 GELU(W_1 u), with a learned scalar s, 1 at first.

    Args:
        channels: Width C of the tokens.
        reduction: C per channel of the hidden layer.
    """

    def __init__(self, channels: int, reduction: int) -> None:
        super().__init__()
        self.down, self.up = small(channels, channels // reduction), small(channels // reduction, channels)
        self.scale = nn.Parameter(torch.ones(1))

    def forward(self, tokens: Tensor) -> Tensor:
        """Tokens [B, N, C] of the same shape."""
        return tokens + self.scale * self.up(nn.functional.gelu(self.down(tokens)))


class Adapted(Backbone):
    """Vision transformer (the stem) with K paths of adaptors, which see its tokens after every block.

    With x_i the tokens behind block i, and x_0 those before the first, path k has

        r_k = A_k0(x_0),    then r_k <- A_ki(r_k + x_i) for i = 1, 2, ..

    The maps are those of the stem's taps, then those of path 1 after the same blocks, each behind a LayerNorm, then
    those of path 2, and so on. The stem has no final LayerNorm. Class and register tokens run along the paths, but are
    not part of the maps.

    Args:
        network: A `ViT`.
        paths: Number of paths K.
        reduction: As for `Adaptor`.

    Raises:
        ValueError: The network is not a plain vision transformer.
    """

    def __init__(self, network: Backbone, paths: int, reduction: int) -> None:
        super().__init__()
        body: Any = getattr(network, "body", None)
        if not hasattr(body, "_pos_embed"):
            raise ValueError(
                f"model=sak needs a plain vision transformer, not {type(network).__name__}: use backbone=vit_tiny or "
                "vit_base"
            )
        body.norm = nn.Identity()
        self.body, self.taps, self.multiple = body, cast("Any", network).taps, network.multiple
        width, depth = network.channels[0], len(body.blocks)
        self.adaptors = nn.ModuleList(
            nn.ModuleList(Adaptor(width, reduction) for _ in range(depth + 1)) for _ in range(paths)
        )
        self.norms = nn.ModuleList(nn.ModuleList(nn.LayerNorm(width) for _ in self.taps) for _ in range(paths))
        self.channels, self.strides = network.channels * (paths + 1), network.strides * (paths + 1)

    def forward(self, image: Tensor) -> list[Tensor]:
        """Maps [B, C, H / patch, W / patch], those of the stem first."""
        body = self.body
        x = body.norm_pre(body.patch_drop(body._pos_embed(body.patch_embed(image))))
        paths = [adaptors[0](x) for adaptors in cast("Any", self.adaptors)]
        size = [side // self.multiple for side in image.shape[-2:]]
        maps: list[list[Tensor]] = [[] for _ in range(len(paths) + 1)]
        for index, block in enumerate(body.blocks):
            x = block(x)
            paths = [a[index + 1](r + x) for a, r in zip(cast("Any", self.adaptors), paths, strict=True)]
            if index in self.taps:
                normed = [norms[len(maps[0])](r) for norms, r in zip(cast("Any", self.norms), paths, strict=True)]
                for own, tokens in zip(maps, [x, *normed], strict=True):
                    own.append(tokens[:, body.num_prefix_tokens :].mT.unflatten(2, size))
        return [tokens for own in maps for tokens in own]

    def regions(self) -> list[nn.Module]:
        """The blocks."""
        return list(self.body.blocks)

    @property
    def last_layer(self) -> nn.Parameter:
        """Weight of the last block's second linear layer. Behind it are the last adaptor and LayerNorm of each path."""
        return self.body.blocks[-1].mlp.fc2.weight


def small(in_channels: int, out_channels: int) -> nn.Linear:
    """A linear layer with small initial weights."""
    layer = nn.Linear(in_channels, out_channels)
    nn.init.trunc_normal_(layer.weight, std=0.02)
    nn.init.zeros_(layer.bias)
    return layer
