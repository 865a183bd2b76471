"""Heads of vision transformers: one reads only the last block, the other several blocks.

Deviations from the paper: it does not say which head its plain transformers have; both heads are ours.
"""

import math
from collections.abc import Sequence
from typing import Annotated

import torch
import torch.nn.functional as F
from annotated_types import Ge
from torch import Tensor, nn

from mtl.layers import ConvBNReLU, output_layer


class LastTapHead(nn.Module):
    """Two 3x3 convolutions at the resolution of the patches, then the output and upsampling.

    Args:
        in_channels: Channels of the encoder's maps; only the last one is read.
        out_channels: Channels of the prediction.
        channels: Width of the second convolution.
        bias: Initial bias of the output convolution.
    """

    def __init__(
        self, *, in_channels: Sequence[int], out_channels: int, channels: Annotated[int, Ge(1)], bias: float = 0.0
    ) -> None:
        super().__init__()
        width = in_channels[-1]
        self.conv = nn.Sequential(ConvBNReLU(width, width, 3), ConvBNReLU(width, channels, 3))
        self.output = output_layer(channels, out_channels, bias)

    def forward(self, features: Sequence[Tensor], size: tuple[int, int]) -> Tensor:
        """Prediction [B, out_channels, *size] of maps [B, C, H, W], the deepest last."""
        prediction = self.output(self.conv(features[-1]))
        return F.interpolate(prediction, size=size, mode="bilinear", align_corners=False)


class MultiTapHead(nn.Module):
    """Fuses the tokens of several taps with a convolution of the encoder's width.

    Linear layer per tap, bilinear upsampling, concatenation, 3x3 convolution, BatchNorm, GELU, 1x1 convolution to the
    output, upsampling.

    Args:
        in_channels: Channels of the taps, all the same.
        out_channels: Channels of the prediction.
        stride: The convolution works at this fraction of the image's resolution.
        bias: Initial bias of the output convolution.

    Raises:
        ValueError: The taps differ in width, or the width is not a multiple of their number.
    """

    def __init__(
        self, *, in_channels: Sequence[int], out_channels: int, stride: Annotated[int, Ge(1)], bias: float = 0.0
    ) -> None:
        super().__init__()
        channels, taps = in_channels[0], len(in_channels)
        if set(in_channels) != {channels} or channels % taps:
            raise ValueError(
                f"MultiTapHead needs taps of equal width, a multiple of their number, got {list(in_channels)}"
            )
        self.stride = stride
        self.narrow = nn.ModuleList(nn.Conv2d(channels, channels // taps, 1) for _ in in_channels)
        self.mix = nn.Sequential(nn.Conv2d(channels, channels, 3, padding=1), nn.BatchNorm2d(channels), nn.GELU())
        self.output = output_layer(channels, out_channels, bias)

    def forward(self, features: Sequence[Tensor], size: tuple[int, int]) -> Tensor:
        """Prediction [B, out_channels, *size] of taps [B, C, H, W]."""
        inner = [math.ceil(side / self.stride) for side in size]
        maps = [
            F.interpolate(narrow(tap), size=inner, mode="bilinear", align_corners=False)
            for narrow, tap in zip(self.narrow, features, strict=True)
        ]
        prediction = self.output(self.mix(torch.cat(maps, dim=1)))
        return F.interpolate(prediction, size=size, mode="bilinear", align_corners=False)
