"""HRNet from timm: an encoder with four parallel branches of different resolutions.

Wang et al., Deep High-Resolution Representation Learning for Visual Recognition, TPAMI 2021.
https://arxiv.org/abs/1908.07919
"""

from pathlib import Path
from typing import Annotated, Any, Literal, Unpack

from annotated_types import Interval
from torch import Tensor, nn

from mtl.backbones.base import Backbone
from mtl.backbones.pretrained import TimmOptions, create


class HRNet(Backbone):
    """Keeps a map at a quarter of the resolution throughout and fuses it with coarser ones at every stage.

    Returns the four branches of the last stage at strides 4, 8, 16 and 32. The classifier after them, and the blocks
    that widen them for it, are not built.

    Deviations from the paper: none. timm's network upsamples by nearest neighbour when branches are fused, like the
    classifier that its weights come from; networks for dense prediction upsample bilinearly, with the same weights.

    Args:
        name: timm name, with the tag of its weights.
        pretrained: Load the weights; needs an internet connection once.
        upsample: How a coarse branch is upsampled to the size of a finer one: `bilinear` (align_corners=False) or
            `nearest`.
        bn_momentum: Weight of the batch in the running statistics of BatchNorm, above 0 and up to 1.
        checkpoint: File with the weights; None: download them by name.
        **timm_options: Passed on to timm.

    Raises:
        ValueError: timm has no such model, the weights do not fit it, or `upsample` or `bn_momentum` is invalid.
    """

    body: Any  # a network of timm
    multiple = 32  # so that upsampling the coarsest map matches the others exactly

    def __init__(
        self,
        name: str,
        pretrained: bool,
        upsample: Literal["bilinear", "nearest"],
        bn_momentum: Annotated[float, Interval(gt=0, le=1)],
        checkpoint: str | Path | None = None,
        **timm_options: Unpack[TimmOptions],
    ) -> None:
        super().__init__()
        if upsample not in ("bilinear", "nearest"):
            raise ValueError(f"upsample must be bilinear or nearest, got {upsample!r}")
        if not 0 < bn_momentum <= 1:
            raise ValueError(f"bn_momentum must be above 0 and at most 1, got {bn_momentum}")
        branches = {"features_only": True, "feature_location": "", "out_indices": (1, 2, 3, 4)}  # 0 is the stem
        self.body = create(name, pretrained=pretrained, checkpoint=checkpoint, view=branches, **timm_options)
        for module in self.body.modules():
            if isinstance(module, nn.Upsample):
                module.mode, module.align_corners = upsample, False if upsample == "bilinear" else None
            elif isinstance(module, nn.BatchNorm2d):
                module.momentum = bn_momentum
        self.channels = list(self.body.feature_info.channels())
        self.strides = list(self.body.feature_info.reduction())

    def forward(self, image: Tensor) -> list[Tensor]:
        """Maps [B, channels[i], H / strides[i], W / strides[i]], the finest first."""
        return self.body(image)

    def regions(self) -> list[nn.Module]:
        """The first stage, and each module of the others."""
        return [self.body.layer1, *self.body.stage2, *self.body.stage3, *self.body.stage4]

    @property
    def last_layer(self) -> nn.Parameter:
        """Weight of the last convolution of the finest branch.

        The last fusion follows it, so it reaches all four maps; later layers reach only one each. The last
        convolutions of the coarser branches reach all maps too, but one layer has to represent the encoder.
        """
        return self.body.stage4[-1].branches[0][-1].conv2.weight
