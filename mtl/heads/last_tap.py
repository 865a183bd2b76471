"""Head of a vision transformer that reads its last block alone."""

from collections.abc import Sequence

import torch.nn.functional as F
from torch import Tensor, nn

from mtl.layers import ConvBNReLU


class LastTapHead(nn.Module):
    """Two 3x3 convolutions at the resolution of the patches, then the output and upsampling.

    Deviations from the paper: the paper does not say which head its plain transformers have.

    Args:
        in_channels: Channels of the encoder's maps; only the last one is read.
        out_channels: Channels of the prediction.
        channels: Width of the second convolution.
        bias: Initial bias of the output convolution.
    """

    def __init__(self, *, in_channels: Sequence[int], out_channels: int, channels: int, bias: float = 0.0) -> None:
        super().__init__()
        width = in_channels[-1]
        self.conv = nn.Sequential(ConvBNReLU(width, width, 3), ConvBNReLU(width, channels, 3))
        self.output = nn.Conv2d(channels, out_channels, 1)
        nn.init.constant_(self.output.bias, bias)

    def forward(self, features: Sequence[Tensor], size: tuple[int, int]) -> Tensor:
        """Prediction [B, out_channels, *size] of maps [B, C, H, W], the deepest last."""
        prediction = self.output(self.conv(features[-1]))
        return F.interpolate(prediction, size=size, mode="bilinear", align_corners=False)
