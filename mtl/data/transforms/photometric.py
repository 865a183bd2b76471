"""Photometric distortion, with the same bits as OpenCV on 8-bit images."""

from collections.abc import Sequence
from typing import Annotated, Any

import cv2
import numpy as np
import torch
from annotated_types import Ge, Interval, Len
from numpy.typing import NDArray
from torch import nn

HUES = 180  # range of hues in OpenCV's 8-bit HSV
Factors = Annotated[Sequence[Annotated[float, Ge(0)]], Len(2, 2)]


class PhotometricDistortion(nn.Module):
    """Changes brightness, contrast, saturation and hue of the image at random.

    In this order, each with probability one half: brightness (b is added), contrast (multiplied), saturation
    (multiplied in HSV), hue (h is added modulo 180 in HSV). With probability one half, contrast comes last instead.
    Each step clips to 0 .. 255 and truncates. Since every step maps single bytes, it is a table look-up.

    Args:
        brightness: b ~ U(-brightness, brightness), in grey levels.
        contrast: Lowest and highest factor.
        saturation: Lowest and highest factor.
        hue: h is an integer from -hue to hue - 1, in steps of two degrees.

    Deviations from the paper: none; the paper only says colour jitter, the details are those of the work it cites.
    """

    def __init__(
        self,
        brightness: Annotated[float, Ge(0)],
        contrast: Factors,
        saturation: Factors,
        hue: Annotated[int, Interval(ge=1, le=HUES)],
    ) -> None:
        super().__init__()
        self.brightness = brightness
        self.contrast = tuple(contrast)
        self.saturation = tuple(saturation)
        self.hue = hue

    def forward(self, sample: dict[str, Any]) -> dict[str, Any]:
        """Return the sample with distorted colours.

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
        distorted = np.empty(image.shape, np.uint8)
        cv2.mixChannels([pixels], [distorted[0], distorted[1], distorted[2]], [0, 0, 1, 1, 2, 2])
        return sample | {"image": torch.from_numpy(distorted).as_subclass(type(image))}

    def _change_contrast(self, pixels: NDArray[Any]) -> NDArray[Any]:
        return cv2.LUT(pixels, table(uniform(*self.contrast), 0)) if coin() else pixels


def coin() -> bool:
    """True with probability one half."""
    return torch.rand(()).item() < 0.5


def uniform(low: float, high: float) -> float:
    """A random number from the interval."""
    return torch.empty(()).uniform_(low, high).item()


def table(factor: float, offset: float) -> NDArray[np.uint8]:
    """Look-up table of all bytes: times the factor, plus the offset, clipped and truncated. Shape [256]."""
    values = np.arange(256, dtype=np.float32) * np.float32(factor) + np.float32(offset)
    return np.clip(values, 0, 255).astype(np.uint8)


def in_hsv(pixels: NDArray[Any], channel: int, look_up: NDArray[np.uint8]) -> NDArray[Any]:
    """Apply the table to the hue (channel 0) or saturation (1). Shape [H, W, 3]."""
    hsv = cv2.cvtColor(pixels, cv2.COLOR_RGB2HSV)
    cv2.insertChannel(cv2.LUT(cv2.extractChannel(hsv, channel), look_up), hsv, channel)
    return cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB)
