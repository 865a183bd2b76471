"""DeepLab-v3 head for one dilated map.

Chen et al., Rethinking Atrous Convolution for Semantic Image Segmentation, 2017.
https://arxiv.org/abs/1706.05587
"""

from collections.abc import Sequence
from typing import Annotated

import torch.nn.functional as F
from annotated_types import Ge, Interval, MinLen
from torch import Tensor, nn

from mtl.layers import ASPP, ConvBNReLU, output_layer


class DeepLabHead(nn.Module):
    """ASPP, 3x3 convolution, 1x1 convolution to the output, bilinear upsampling to the size of the image.

    Deviations from the paper: a 3x3 convolution follows ASPP, as in common implementations.

    Args:
        in_channels: Channels of the encoder's maps; this head reads exactly one.
        out_channels: Channels of the prediction.
        channels: Width of the head.
        dilations: Dilations of the 3x3 branches of ASPP.
        dropout: Probability of dropping an ASPP output in training.
        bias: Initial bias of the output convolution.
    """

    def __init__(
        self,
        *,
        in_channels: Sequence[int],
        out_channels: int,
        channels: Annotated[int, Ge(1)],
        dilations: Annotated[Sequence[Annotated[int, Ge(1)]], MinLen(1)],
        dropout: Annotated[float, Interval(ge=0, lt=1)],
        bias: float = 0.0,
    ) -> None:
        super().__init__()
        if len(in_channels) != 1:
            raise ValueError(f"DeepLabHead needs one map, got {len(in_channels)}: return a single backbone stage")
        self.aspp = ASPP(in_channels[0], channels, dilations, dropout)
        self.conv = ConvBNReLU(channels, channels, 3)
        self.output = output_layer(channels, out_channels, bias)

    def forward(self, features: Sequence[Tensor], size: tuple[int, int]) -> Tensor:
        """Prediction [B, out_channels, *size] of one map [B, C, H, W] in a list."""
        (feature,) = features
        prediction = self.output(self.conv(self.aspp(feature)))
        return F.interpolate(prediction, size=size, mode="bilinear", align_corners=False)
