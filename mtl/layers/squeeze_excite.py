"""Squeeze-and-excitation.

Hu et al., Squeeze-and-Excitation Networks, CVPR 2018. https://arxiv.org/abs/1709.01507, Sec. 3.
"""

import torch
from torch import Tensor, nn


class SqueezeExcite(nn.Module):
    """Turns every channel up or down by what the whole image holds.

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
