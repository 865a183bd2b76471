"""Random zoom: resizes image and labels together, and adapts depth."""

from functools import singledispatch
from typing import Annotated, Any

import cv2
import numpy as np
import torch
from annotated_types import Gt
from torch import Tensor, nn
from torchvision import tv_tensors

from mtl.data.transforms.types import LabelMap

Size = tuple[int, int]  # height, width


class RandomScale(nn.Module):
    """Resizes image and labels by one random factor, as if the camera were nearer or farther.

        s ~ U(low, high),   new size = floor(s H) x floor(s W),   new depth = depth / s

    Pixels are sampled as in OpenCV: colours bilinearly between pixel centres, labels from the nearest pixel (rounded
    down), so that no label is an average. How a zoom changes values is defined by the label (`Label.zoomed`).

    Deviations from the paper: none; it gives the range, and dividing the depth is part of the augmentation it cites.
    """

    def __init__(self, low: Annotated[float, Gt(0)], high: Annotated[float, Gt(0)]) -> None:
        super().__init__()
        if not 0 < low <= high:
            raise ValueError(f"scale from {low} to {high}: use factors above 0 with low <= high")
        self.low = low
        self.high = high

    def forward(self, sample: dict[str, Any]) -> dict[str, Any]:
        """Return the sample at its new size.

        Args:
            sample: Typed maps of one size, shape [C, H, W], and `meta`.
        """
        factor = torch.empty(()).uniform_(self.low, self.high).item()
        height, width = sample["image"].shape[-2:]
        size = int(height * factor), int(width * factor)
        if min(size) < 1:
            raise ValueError(f"image of {height} x {width} has no pixel left at scale {factor:.3g}")
        zoomed = {key: zoom(value, size, factor) for key, value in sample.items()}
        return zoomed | {"meta": sample["meta"] | {"size": size}}


@singledispatch
def zoom(value: Any, size: Size, factor: float) -> Any:
    """Zoom a map; other values are returned unchanged.

    Args:
        value: The map. Shape [C, H, W].
        size: New height and width in pixels.
        factor: Zoom factor.
    """
    return value


@zoom.register
def _(value: Tensor, size: Size, factor: float) -> Tensor:
    raise ValueError("RandomScale cannot tell the label of a plain tensor: put it before Normalize")


@zoom.register
def _(value: tv_tensors.Image, size: Size, factor: float) -> tv_tensors.Image:
    return resize(value, size, cv2.INTER_LINEAR).as_subclass(type(value))


@zoom.register
def _(value: LabelMap, size: Size, factor: float) -> LabelMap:
    return value.label.zoomed(resize(value, size, cv2.INTER_NEAREST), factor).as_subclass(type(value))


def resize(value: Tensor, size: Size, interpolation: int) -> Tensor:
    """Resize a map channel by channel with OpenCV.

    Args:
        value: The map; OpenCV supports uint8, int16, float32 and float64. Shape [C, H, W].
        size: New height and width in pixels.
        interpolation: One of OpenCV's `INTER_` constants.
    """
    planes = value.numpy()
    resized = np.empty((len(planes), *size), planes.dtype)  # [C, height, width]
    for plane, place in zip(planes, resized, strict=True):
        cv2.resize(plane, size[::-1], dst=place, interpolation=interpolation)
    return torch.from_numpy(resized)
