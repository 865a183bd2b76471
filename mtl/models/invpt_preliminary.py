"""Preliminary decoder of InvPT: predicts each task separately before tasks interact."""

import torch
from torch import Tensor, nn

from mtl.layers import ConvBNReLU, output_layer
from mtl.task import Task


class PreliminaryDecoder(nn.Module):
    """Makes a coarse prediction of one task, and a map that combines its features with that prediction.

    Args:
        task: The task.
        in_channels: Channels of the encoder's map.
        channels: Channels of the task's own features.
        out_channels: Channels of the combined map.
    """

    def __init__(self, task: Task, in_channels: int, channels: int, out_channels: int) -> None:
        super().__init__()
        self.features = nn.Sequential(ConvBNReLU(in_channels, in_channels, 3), ConvBNReLU(in_channels, channels, 3))
        self.predict = output_layer(channels, task.channels, task.bias)
        self.mix = nn.Conv2d(channels + task.channels, out_channels, 1)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Combined map [B, out_channels, H, W] and prediction [B, C_t, H, W] from a map [B, C, H, W]."""
        features = self.features(x)
        prediction = self.predict(features)
        return self.mix(torch.cat([features, prediction], dim=1)), prediction
