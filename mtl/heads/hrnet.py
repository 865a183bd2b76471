"""Head that fuses maps of several resolutions.

Wang et al., Deep High-Resolution Representation Learning for Visual Recognition, TPAMI 2021.
https://arxiv.org/abs/1908.07919, Fig. 4 (b).
"""

from collections.abc import Sequence

from torch import Tensor, nn

from mtl.layers import concatenate, output_layer, resize


class HRNetHead(nn.Module):
    """Resizes all maps to the finest, mixes them pixel by pixel and predicts.

    Bilinear upsampling, concatenation, 1x1 convolution, BatchNorm, ReLU, 1x1 convolution to the output, upsampling.

    Deviations from the paper: none.

    Args:
        in_channels: Channels of the encoder's maps, the finest first.
        out_channels: Channels of the prediction.
        bias: Initial bias of the output convolution.
    """

    def __init__(self, *, in_channels: Sequence[int], out_channels: int, bias: float = 0.0) -> None:
        super().__init__()
        channels = sum(in_channels)
        self.mix = nn.Sequential(nn.Conv2d(channels, channels, 1), nn.BatchNorm2d(channels), nn.ReLU(inplace=True))
        self.output = output_layer(channels, out_channels, bias)

    def forward(self, features: Sequence[Tensor], size: tuple[int, int]) -> Tensor:
        """Prediction [B, out_channels, *size] of maps [B, in_channels[i], H_i, W_i], the finest first."""
        return resize(self.output(self.mix(concatenate(features))), size)
