"""Convolution with its normalisation and activation."""

from torch import nn


class ConvBNReLU(nn.Sequential):
    """Convolution without bias, BatchNorm, ReLU; keeps the size of its input.

    Args:
        in_channels: Channels of the input.
        out_channels: Channels of the output.
        kernel_size: Odd side length of the kernel.
        dilation: Distance between the taps of the kernel.
    """

    def __init__(self, in_channels: int, out_channels: int, kernel_size: int, dilation: int = 1) -> None:
        padding = dilation * (kernel_size // 2)
        super().__init__(
            nn.Conv2d(in_channels, out_channels, kernel_size, padding=padding, dilation=dilation, bias=False),
            nn.BatchNorm2d(out_channels),
            nn.ReLU(inplace=True),
        )
