"""A vision transformer whose tokens are patches and one prompt for each task."""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mtl.backbones.base import Backbone
from mtl.backbones.vit import ViT


class Prompted(Backbone):
    """Adds a token to a vision transformer for each task, in place of its class token; all tokens attend to all.

    In every block, the prompts also gather from the patches channel by channel (`PromptedBlock`). After the selected
    blocks, the similarity of prompts and patches is returned, too. Layers between pixels and channels tie it to the
    size of image that it is built for.

    Args:
        network: The transformer, without its weights changed.
        num_tasks: Number of tasks T.
        windows: Number of windows that each side of the patch grid is divided into.

    Raises:
        ValueError: The network is not a plain transformer, or its grid does not divide into the windows.
    """

    body: Any  # a network of timm

    def __init__(self, network: Backbone, num_tasks: int, windows: int) -> None:
        super().__init__()
        body: Any = getattr(network, "body", None)
        if type(network) is not ViT or body.num_prefix_tokens != 1:
            raise ValueError(
                "model=taskprompter needs a plain vision transformer with a class token and no registers: use "
                "backbone=vit_tiny or vit_base"
            )
        self.body, self.num_tasks, self.windows, self.taps = body, num_tasks, windows, set(network.taps)
        self.patch, self.grid = network.multiple, tuple(body.patch_embed.grid_size)
        self.channels, self.strides = network.channels, network.strides
        rows, columns = self.grid
        if rows % windows or columns % windows:
            side = windows * self.patch
            raise ValueError(
                f"the grid of {rows} x {columns} patches does not divide into {windows} x {windows} windows: use "
                f"dataset.height and dataset.width that are multiples of {side}, or other model.network.windows"
            )
        channels, depth, heads = body.embed_dim, len(body.blocks), body.blocks[0].attn.num_heads
        self.prompts = nn.Parameter(torch.empty(1, num_tasks, channels).normal_(mean=1.0, std=1.0))
        body.cls_token = None
        body.pos_embed = nn.Parameter(body.pos_embed.detach()[:, 1:].clone())
        body.blocks = nn.ModuleList(
            PromptedBlock(block, num_tasks, channels, rows * columns, last=index == depth - 1)
            for index, block in enumerate(body.blocks)
        )
        self.heads: int = heads

    def check_size(self, image: Tensor) -> None:
        """Check that the image has the size that the network is built for.

        Raises:
            ValueError: It has another.
        """
        size = tuple(side * self.patch for side in self.grid)
        if tuple(image.shape[-2:]) != size:
            found = " x ".join(map(str, image.shape[-2:]))
            raise ValueError(f"image of {found}: this network only takes images of {size[0]} x {size[1]}")

    def forward(self, image: Tensor) -> list[Tensor]:
        """For n taps, n maps of each kind: similarities in space, in channels, and patches.

        In space: q_p k_j of prompts p and tokens j, prompts first. Shape [B, heads, T, T + N].
        In channels: as `PromptedBlock`. Shape [B, windows * windows, T, C].
        Patches: the deepest last and normalised. Shape [B, C, H / patch, W / patch].
        """
        body, count = self.body, self.num_tasks
        patches = body.patch_embed(image)
        patches = patches.flatten(1, 2) if patches.ndim == 4 else patches  # timm keeps rows and columns of any size
        patches = body.pos_drop(patches + body.pos_embed)
        tokens = body.norm_pre(torch.cat([self.prompts.expand(len(image), -1, -1), patches], dim=1))
        space, channel, maps = [], [], []
        for index, block in enumerate(body.blocks):
            tokens, scores, spread = block(tokens)
            if index in self.taps:
                space.append(scores)
                channel.append(self._in_windows(*spread))
                maps.append(tokens[:, count:])
        maps[-1] = body.norm(maps[-1])
        return [*space, *channel, *(m.mT.unflatten(2, self.grid).contiguous() for m in maps)]

    @torch.autocast("cuda", enabled=False)
    @torch.autocast("cpu", enabled=False)
    def _in_windows(self, spread: Tensor, patches: Tensor) -> Tensor:
        """Sums of P_t x_c over the pixels of each window. Shapes [B, T, N] and [B, N, C] to [B, windows^2, T, C]."""
        rows, columns = (side // self.windows for side in self.grid)
        sides = (self.windows, rows, self.windows, columns)
        left, right = precise(spread).unflatten(2, sides), precise(patches).unflatten(1, sides)
        return torch.einsum("btvhuw,bvhuwc->bvutc", left, right).flatten(1, 2)

    def regions(self) -> list[nn.Module]:
        """The blocks."""
        return list(self.body.blocks)

    @property
    def last_layer(self) -> nn.Parameter:
        """Weight of the last block's second linear layer."""
        return self.body.blocks[-1].block.mlp.fc2.weight


class PromptedBlock(nn.Module):
    """A block of the transformer that also returns how similar prompts are to patches.

    With n the normalised tokens, P = spread(n of prompts) [T, N]; gather(P) [T, C] is added to what the prompts get
    from attention.

    Args:
        block: The block of timm.
        num_tasks: Number of prompts T, which are the first tokens.
        channels: Channels C of a token.
        pixels: Number of patches N.
        last: Whether no block follows. Then there is no `gather`, as nothing reads the prompts.
    """

    def __init__(self, block: nn.Module, num_tasks: int, channels: int, pixels: int, last: bool) -> None:
        super().__init__()
        self.block: Any = block
        self.num_tasks = num_tasks
        self.spread = nn.Linear(channels, pixels)
        self.gather = None if last else nn.Linear(pixels, channels)

    def forward(self, tokens: Tensor) -> tuple[Tensor, Tensor, tuple[Tensor, Tensor]]:
        """New tokens [B, T + N, C], scores [B, heads, T, T + N], and P [B, T, N] with normalised patches [B, N, C]."""
        block, count = self.block, self.num_tasks
        normed = block.norm1(tokens)
        attended, scores = self._attend(normed)
        spread = self.spread(normed[:, :count])
        if self.gather is not None:
            prompts, patches = attended.split([count, attended.shape[1] - count], dim=1)
            attended = torch.cat([prompts + self.gather(spread), patches], dim=1)
        tokens = tokens + block.drop_path1(block.ls1(attended))
        tokens = tokens + block.drop_path2(block.ls2(block.mlp(block.norm2(tokens))))
        return tokens, scores, (spread, normed[:, count:])

    def _attend(self, normed: Tensor) -> tuple[Tensor, Tensor]:
        """Result of self-attention, and its scores for the prompts before scaling and softmax."""
        attention = self.block.attn
        split = attention.qkv(normed).unflatten(2, (3, attention.num_heads, -1)).permute(2, 0, 3, 1, 4)
        queries, keys, values = split.unbind(0)  # [B, heads, T + N, C / heads]
        queries, keys = attention.q_norm(queries), attention.k_norm(keys)
        found = F.scaled_dot_product_attention(queries, keys, values).transpose(1, 2).flatten(2)
        return attention.proj(found), products(queries[:, :, : self.num_tasks], keys)


@torch.autocast("cuda", enabled=False)
@torch.autocast("cpu", enabled=False)
def products(queries: Tensor, keys: Tensor) -> Tensor:
    """Inner products of queries and keys, which multiply features and have no limit, so they are not rounded."""
    return precise(queries) @ precise(keys).mT


def precise(x: Tensor) -> Tensor:
    """The tensor, converted to float32 if it is half precision."""
    return x.float() if x.dtype.itemsize < 4 else x
