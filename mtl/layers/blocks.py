"""Building blocks: convolution with normalisation, residual blocks, squeeze-and-excitation.

He et al., Deep Residual Learning for Image Recognition, CVPR 2016. https://arxiv.org/abs/1512.03385, Fig. 5.
Hu et al., Squeeze-and-Excitation Networks, CVPR 2018. https://arxiv.org/abs/1709.01507, Sec. 3.
"""

import torch
from torch import Tensor, nn
from torchvision.models import resnet


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


def basic_block(in_channels: int, out_channels: int, project: bool = False) -> nn.Module:
    """Two 3x3 convolutions with BatchNorm and a shortcut; keeps the size of its input.

    Args:
        in_channels: Channels of the input.
        out_channels: Channels of the output.
        project: Project the shortcut even if the width does not change.
    """
    shortcut = projection(in_channels, out_channels) if project or in_channels != out_channels else None
    return resnet.BasicBlock(in_channels, out_channels, downsample=shortcut)


def bottleneck(in_channels: int, out_channels: int, project: bool = True) -> nn.Module:
    """1x1, 3x3 and 1x1 convolutions with BatchNorm and a shortcut; the inner width is a quarter of the output's.

    Args:
        in_channels: Channels of the input.
        out_channels: Channels of the output.
        project: Project the shortcut; without it, the width must not change.
    """
    width = out_channels // resnet.Bottleneck.expansion
    shortcut = projection(in_channels, out_channels) if project else None
    return resnet.Bottleneck(in_channels, width, downsample=shortcut)


def projection(in_channels: int, out_channels: int) -> nn.Module:
    """Shortcut of a block that changes the width: 1x1 convolution and BatchNorm."""
    return nn.Sequential(nn.Conv2d(in_channels, out_channels, 1, bias=False), nn.BatchNorm2d(out_channels))


def output_layer(in_channels: int, out_channels: int, bias: float) -> nn.Conv2d:
    """1x1 convolution that predicts a task, with the initial value of its bias."""
    layer = nn.Conv2d(in_channels, out_channels, 1)
    if layer.bias is not None:
        nn.init.constant_(layer.bias, bias)
        layer.bias.start = bias  # pyright: ignore[reportAttributeAccessIssue]  a mark of our own; flat minima read it
    return layer


class SqueezeExcite(nn.Module):
    """Scales every channel by a gate computed from the whole image.

    x * sigmoid(W_2 relu(W_1 mean(x) + b_1) + b_2)

    Deviations from the paper: it writes the two linear layers without the biases b_1 and b_2, which `bias` adds.

    Args:
        channels: Channels of the map.
        reduction: Channels of the map per unit of the hidden layer.
        bias: Whether both linear layers have a bias.
    """

    def __init__(self, channels: int, reduction: int, bias: bool) -> None:
        super().__init__()
        self.squeeze = nn.Linear(channels, channels // reduction, bias=bias)
        self.excite = nn.Linear(channels // reduction, channels, bias=bias)

    def forward(self, x: Tensor) -> Tensor:
        """Map [B, C, H, W], each channel of each image times a number between 0 and 1."""
        gate = torch.sigmoid(self.excite(torch.relu(self.squeeze(x.mean(dim=(2, 3))))))  # [B, C]
        return x * gate[:, :, None, None]
