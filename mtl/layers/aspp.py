"""Atrous spatial pyramid pooling.

Chen et al., Rethinking Atrous Convolution for Semantic Image Segmentation, 2017.
https://arxiv.org/abs/1706.05587, Sec. 3.3.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from mtl.layers.blocks import ConvBNReLU


class ASPP(nn.Module):
    """Combines several fields of view, from one pixel to the whole image.

    A 1x1 convolution, a dilated 3x3 convolution per dilation and the image mean, concatenated and projected.

    Args:
        in_channels: Channels of the input.
        channels: Channels of each branch and of the output.
        dilations: Dilation of each 3x3 branch.
        dropout: Probability of dropping an output value in training.
    """

    def __init__(self, in_channels: int, channels: int, dilations: Sequence[int], dropout: float) -> None:
        super().__init__()
        self.local = nn.ModuleList([ConvBNReLU(in_channels, channels, 1)])
        self.local.extend(ConvBNReLU(in_channels, channels, 3, dilation) for dilation in dilations)
        self.pooled = ConvBNReLU(in_channels, channels, 1)
        self.project = nn.Sequential(ConvBNReLU(channels * (len(dilations) + 2), channels, 1), nn.Dropout(dropout))

    def forward(self, x: Tensor) -> Tensor:
        """Output [B, channels, H, W] of a map [B, C, H, W].

        Raises:
            ValueError: The batch has one image in training mode.
        """
        if self.training and len(x) == 1:
            raise ValueError(
                "batch of 1 image in training: BatchNorm of the pooled branch needs 2 images per process; "
                "raise the batch size or drop the last incomplete batch"
            )
        pooled = self.pooled(x.mean(dim=(2, 3), keepdim=True)).expand(-1, -1, *x.shape[2:])
        return self.project(torch.cat([*(branch(x) for branch in self.local), pooled], dim=1))
