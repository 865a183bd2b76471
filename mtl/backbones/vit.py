"""Vision transformers from timm that return the maps of selected blocks.

Dosovitskiy et al., An Image is Worth 16x16 Words, ICLR 2021. https://arxiv.org/abs/2010.11929
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, ClassVar, Unpack

from annotated_types import Ge, Interval, Len, MinLen
from torch import Tensor, nn

from mtl.backbones.base import Backbone
from mtl.backbones.pretrained import TimmOptions, create

Taps = Annotated[Sequence[Annotated[int, Ge(1)]], MinLen(1)]


class ViT(Backbone):
    """Vision transformer whose maps all have the size of the patch grid.

    The maps are the patch tokens after the selected blocks, without class and register tokens. Blocks after the last
    selected one are not built, nor is the final LayerNorm unless `norm_last` is set.

    Deviations from the paper: none.

    Args:
        name: timm name of a plain vision transformer, with the tag of its weights.
        pretrained: Load the weights; needs an internet connection once.
        taps: Blocks whose tokens are returned, counted from 1, in ascending order.
        drop_path: Probability that the last block is skipped in training; it grows linearly from 0 at the first.
        size: Height and width of the training images. The position embedding is resampled (bicubic) to their grid
            once and trained there; for an image of another size it is resampled at every forward pass. None: the grid
            of the weights.
        checkpoint: File with the weights; None: download them by name.
        norm_last: Whether the final LayerNorm is applied to the last map; it never is to the others.
        **timm_options: Passed on to timm, such as `depth` and `embed_dim` for a narrow network.

    Raises:
        ValueError: timm has no such model, the weights do not fit it, or it does not have the blocks.
    """

    body: Any  # a network of timm
    any_size: ClassVar[Mapping[str, Any]] = {"dynamic_img_size": True}

    def __init__(
        self,
        name: str,
        pretrained: bool,
        taps: Taps,
        drop_path: Annotated[float, Interval(ge=0, lt=1)],
        size: Annotated[Sequence[Annotated[int, Ge(1)]], Len(2, 2)] | None = None,
        checkpoint: str | Path | None = None,
        norm_last: bool = True,
        **timm_options: Unpack[TimmOptions],
    ) -> None:
        super().__init__()
        self.body = create(
            name,
            pretrained=pretrained,
            checkpoint=checkpoint,
            view={"num_classes": 0, "drop_path_rate": drop_path, **self.any_size},
            **timm_options,
        )
        depth = len(self.body.blocks)
        if not taps or list(taps) != sorted(set(taps) & set(range(1, depth + 1))):
            raise ValueError(f"taps must be blocks from 1 to {depth} in ascending order, got {list(taps)}")
        if size is not None:
            self.body.set_input_size(tuple(size))
        self.body.blocks = self.body.blocks[: taps[-1]]
        if not norm_last:
            self.body.norm = nn.Identity()
        self.taps = [tap - 1 for tap in taps]
        self.multiple = self.body.patch_embed.patch_size[0]
        self.channels = [self.body.embed_dim] * len(taps)
        self.strides = [self.multiple] * len(taps)

    def forward(self, image: Tensor) -> list[Tensor]:
        """Maps [B, C, H / patch, W / patch], one per tap, the deepest last."""
        *maps, last = self.body.forward_intermediates(image, indices=self.taps, intermediates_only=True)
        return [*maps, self.body.norm(last.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)]  # over channels

    def regions(self) -> list[nn.Module]:
        """The blocks."""
        return list(self.body.blocks)

    @property
    def last_layer(self) -> nn.Parameter:
        """Weight of the last block's second linear layer."""
        return self.body.blocks[-1].mlp.fc2.weight


class SAM(ViT):
    """The image encoder of Segment Anything: windowed attention in most blocks, relative positions, no class token.

    Kirillov et al., Segment Anything, ICCV 2023. https://arxiv.org/abs/2304.02643

    Position embedding and relative positions keep their native grid (1024 x 1024 pixels) and are resampled at every
    forward pass.

    Deviations from the paper: the convolutional neck after the last block, and with it the only normalisation there,
    is not built. LayerNorm adds timm's 1e-5 to the variance where the authors' code adds 1e-6, which changes the maps
    by about 1e-5 of their largest value.

    Args:
        name: timm name of a SAM encoder, with the tag of its weights.
        pretrained: Load the weights; needs an internet connection once.
        taps: Blocks whose tokens are returned, counted from 1, in ascending order.
        drop_path: Probability that the last block is skipped in training; it grows linearly from 0 at the first.
        checkpoint: File with the weights; None: download them by name.
        **timm_options: Passed on to timm.
    """

    any_size: ClassVar[Mapping[str, Any]] = {}  # SAM accepts any size without an option

    def __init__(
        self,
        name: str,
        pretrained: bool,
        taps: Taps,
        drop_path: Annotated[float, Interval(ge=0, lt=1)],
        checkpoint: str | Path | None = None,
        **timm_options: Unpack[TimmOptions],
    ) -> None:
        super().__init__(name, pretrained, taps, drop_path, None, checkpoint, norm_last=False, **timm_options)
        self.body.neck = nn.Identity()
