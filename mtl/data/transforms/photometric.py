"""Random change of light and colours, bit for bit as OpenCV computes on 8-bit images."""

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torchvision import tv_tensors

HUES = 180  # of OpenCV's 8-bit HSV


class PhotometricDistortion(nn.Module):
    """Makes the image brighter or darker, harder or softer, paler or stronger, and turns its hues.

    In this order, each with probability one half: brightness (b is added), contrast (multiplied), saturation
    (multiplied in HSV), hue (h is added modulo 180 in HSV); contrast comes last instead where a coin says so. Each step
    clips to 0 .. 255 and cuts off the fraction. Every step is a function of one byte, hence one look-up in a table.

    Args:
        brightness: b ~ U(-brightness, brightness), in grey levels.
        contrast: Lowest and highest factor.
        saturation: Lowest and highest factor.
        hue: h is a whole number from -hue to hue - 1, in steps of two degrees.

    Deviations from the paper: none; the paper says colour jitter, the rest is that of the augmentation it cites.
    """

    def __init__(self, brightness: float, contrast: Sequence[float], saturation: Sequence[float], hue: int) -> None:
        super().__init__()
        self.brightness = brightness
        self.contrast = tuple(contrast)
        self.saturation = tuple(saturation)
        self.hue = hue

    def forward(self, sample: dict[str, Any]) -> dict[str, Any]:
        """Return the sample with other colours.

        Args:
            sample: The key `image` holds uint8 colours, shape [3, H, W]; labels are passed on.
        """
        image = sample["image"]
        pixels = cv2.merge(list(image.numpy()))  # [H, W, 3]
        if coin():
            pixels = cv2.LUT(pixels, table(1, uniform(-self.brightness, self.brightness)))
        contrast_last = coin()
        if not contrast_last:
            pixels = self._change_contrast(pixels)
        if coin():
            pixels = in_hsv(pixels, 1, table(uniform(*self.saturation), 0))
        if coin():
            turn = torch.randint(-self.hue, self.hue, ()).item()
            pixels = in_hsv(pixels, 0, ((np.arange(256) + turn) % HUES).astype(np.uint8))
        if contrast_last:
            pixels = self._change_contrast(pixels)
        distorted = torch.from_numpy(np.stack(cv2.split(pixels)))
        return sample | {"image": tv_tensors.wrap(distorted, like=image)}

    def _change_contrast(self, pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
        return cv2.LUT(pixels, table(uniform(*self.contrast), 0)) if coin() else pixels


def coin() -> bool:
    """True half of the time."""
    return torch.rand(()).item() < 0.5


def uniform(low: float, high: float) -> float:
    """A number between the two."""
    return torch.empty(()).uniform_(low, high).item()


def table(factor: float, offset: float) -> NDArray[np.uint8]:
    """What becomes of every byte: times the factor, plus the offset, clipped, and the fraction cut off. Shape [256]."""
    values = np.arange(256, dtype=np.float32) * np.float32(factor) + np.float32(offset)
    return np.clip(values, 0, 255).astype(np.uint8)


def in_hsv(pixels: NDArray[np.uint8], channel: int, look_up: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Colours whose hue (channel 0) or saturation (1) went through the table. Shape [H, W, 3]."""
    planes = list(cv2.split(cv2.cvtColor(pixels, cv2.COLOR_RGB2HSV)))
    planes[channel] = cv2.LUT(planes[channel], look_up)
    return cv2.cvtColor(cv2.merge(planes), cv2.COLOR_HSV2RGB)
