"""Camera sensor, from light to an 8-bit image: exposure, white balance, blur, vignette, gamma, noise."""

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from mtl.data.rooms.shapes import Array

BLUR = 0.55  # pixels; serves as anti-aliasing, while labels have one sample per pixel


def expose(rng: Generator, light: Array) -> NDArray[np.uint8]:
    """Convert linear light to an image.

    Args:
        rng: Random stream of this view.
        light: Linear colours. Shape [H, W, 3].

    Returns:
        Image. Shape [3, H, W].
    """
    height, width, _ = light.shape
    gain = rng.uniform(0.75, 1.25) * 0.24 / max(float(np.median(light)), 1e-3)
    balance = (gain * rng.uniform(0.96, 1.04, size=3)).astype(np.float32)
    picture = cv2.GaussianBlur(light * balance, (0, 0), BLUR)
    y, x = np.linspace(-1, 1, height, dtype=np.float32), np.linspace(-1, 1, width, dtype=np.float32)
    vignette = 1 - np.float32(rng.uniform(0.05, 0.15)) * (x**2 + y[:, None] ** 2)
    picture = np.clip(picture * vignette[:, :, None], 0, 1) ** np.float32(1 / 2.2)
    picture += np.float32(rng.uniform(0.005, 0.025)) * rng.standard_normal(picture.shape, dtype=np.float32)
    return np.clip(picture * 255 + 0.5, 0, 255).astype(np.uint8).transpose(2, 0, 1)
