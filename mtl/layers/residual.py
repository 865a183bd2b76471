"""Residual blocks with a projected shortcut.

He et al., Deep Residual Learning for Image Recognition, CVPR 2016. https://arxiv.org/abs/1512.03385, Fig. 5.
"""

from torch import nn
from torchvision.models import resnet


def basic_block(in_channels: int, out_channels: int, project: bool = False) -> nn.Module:
    """Two 3x3 convolutions with BatchNorm beside a shortcut; keeps the size of its input.

    Args:
        in_channels: Channels of the input.
        out_channels: Channels of the output.
        project: Project the shortcut even where the width stays.
    """
    shortcut = projection(in_channels, out_channels) if project or in_channels != out_channels else None
    return resnet.BasicBlock(in_channels, out_channels, downsample=shortcut)


def bottleneck(in_channels: int, out_channels: int) -> nn.Module:
    """A 1x1, a 3x3 and a 1x1 convolution, inside at a quarter of the output's width, beside a projected shortcut."""
    width = out_channels // resnet.Bottleneck.expansion
    return resnet.Bottleneck(in_channels, width, downsample=projection(in_channels, out_channels))


def projection(in_channels: int, out_channels: int) -> nn.Module:
    """The shortcut of a block that changes the width: 1x1 convolution and BatchNorm."""
    return nn.Sequential(nn.Conv2d(in_channels, out_channels, 1, bias=False), nn.BatchNorm2d(out_channels))
