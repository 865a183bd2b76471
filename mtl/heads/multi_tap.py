"""Head of a vision transformer that reads several of its blocks."""

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class MultiTapHead(nn.Module):
    """Narrows the tokens of every tap, upsamples them and mixes them with a convolution of the encoder's width.

    Linear layer per tap, bilinear upsampling, concatenation, 3x3 convolution, BatchNorm, GELU, 1x1 convolution to the
    output, upsampling.

    Deviations from the paper: the paper does not say which head its plain transformers have.

    Args:
        in_channels: Channels of the taps, all the same.
        out_channels: Channels of the prediction.
        stride: The convolution works at this fraction of the image's resolution.
        bias: Initial bias of the output convolution.

    Raises:
        ValueError: The taps differ in width, or their number does not divide it.
    """

    def __init__(self, *, in_channels: Sequence[int], out_channels: int, stride: int, bias: float = 0.0) -> None:
        super().__init__()
        channels, taps = in_channels[0], len(in_channels)
        if set(in_channels) != {channels} or channels % taps:
            raise ValueError(f"MultiTapHead reads taps of one width that their number divides, got {list(in_channels)}")
        self.stride = stride
        self.narrow = nn.ModuleList(nn.Conv2d(channels, channels // taps, 1) for _ in in_channels)
        self.mix = nn.Sequential(nn.Conv2d(channels, channels, 3, padding=1), nn.BatchNorm2d(channels), nn.GELU())
        self.output = nn.Conv2d(channels, out_channels, 1)
        nn.init.constant_(self.output.bias, bias)

    def forward(self, features: Sequence[Tensor], size: tuple[int, int]) -> Tensor:
        """Prediction [B, out_channels, *size] of taps [B, C, H, W]."""
        inner = [math.ceil(side / self.stride) for side in size]
        maps = [
            F.interpolate(narrow(tap), size=inner, mode="bilinear", align_corners=False)
            for narrow, tap in zip(self.narrow, features, strict=True)
        ]
        prediction = self.output(self.mix(torch.cat(maps, dim=1)))
        return F.interpolate(prediction, size=size, mode="bilinear", align_corners=False)
