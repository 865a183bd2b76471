"""Non-maximum suppression of an edge probability map, across the edge.

Dollar and Zitnick, Fast Edge Detection Using Structured Forests, TPAMI 2015.
https://arxiv.org/abs/1406.5549, Sec. 4 (the edge detection toolbox's suppression step).
"""

import cv2
import numpy as np

from mtl.metrics.boundary.compiled.kernel import kernel

TRIANGLE = np.array([1, 2, 3, 4, 5, 4, 3, 2, 1], np.float32) / 25  # radius 4
SMALL_TRIANGLE = np.array([1, 2, 1], np.float32) / 4  # radius 1
MARGIN = np.float32(1.01)  # a pixel is suppressed only if a neighbour exceeds it by more than this factor
TINY = np.float32(1e-5)  # keeps the orientation of a flat map finite
ZERO, HALF, ONE = np.float32(0), np.float32(0.5), np.float32(1)
BORDER = 1.001  # samples keep this distance from the last row and column, so that they have four neighbours


def suppress(
    probability: np.ndarray,
    *,
    radius: int,
    taper: int,
    smooth: bool = False,
    quantise: bool = False,
    at_least: float = 0.0,
) -> tuple[np.ndarray, np.ndarray]:
    """Keep the pixels that are maximal across the edge and set the others to 0.

    A pixel survives if 1.01 times its value is at least as large as the bilinear samples at distances 1 .. radius on
    both sides, along the edge normal. The orientation comes from the second derivatives of a copy smoothed with a
    triangle filter of radius 4.

    Args:
        probability: Edge probability in [0, 1], float32. Shape [H, W].
        radius: Largest sampling distance on each side, in pixels.
        taper: Width of the linear ramp that fades the image rim to 0, in pixels; 0 for no ramp.
        smooth: Whether to smooth the probability with [1 2 1] / 4 first.
        quantise: Whether to round the result to 8 bits.
        at_least: Pixels that end below it are left out, which saves their samples.

    Returns:
        Flat positions of the pixels that end at or above `at_least`, and their values, float32. Shapes [N].
    """
    height, width = probability.shape
    if smooth:
        probability = _filtered(probability, SMALL_TRIANGLE)
    result = probability * (_ramp(height, taper)[:, None] * _ramp(width, taper)) if taper else probability
    if quantise:
        result = np.floor(result * np.float32(255) + HALF) / np.float32(255)
    pixels = np.flatnonzero(result >= np.float32(at_least))
    maximal = _maximal(probability, _filtered(probability, TRIANGLE), pixels, radius)
    if at_least > 0:
        pixels = pixels[maximal]
        return pixels, result.ravel()[pixels]
    return pixels, np.where(maximal, result.ravel(), ZERO)


def _filtered(image: np.ndarray, weights: np.ndarray) -> np.ndarray:
    return cv2.sepFilter2D(image, -1, weights, weights, borderType=cv2.BORDER_REFLECT)


def _ramp(length: int, taper: int) -> np.ndarray:
    width = min(taper, length // 2)
    ramp = np.ones(length, np.float32)
    ramp[:width] = np.arange(width, dtype=np.float32) / width
    ramp[length - width :] = ramp[:width][::-1]
    return ramp


@kernel
def _maximal(image, smooth, pixels, radius):
    """Whether each pixel is maximal across the edge, bool. Shape [N]."""
    width = image.shape[1]
    maximal = np.ones(len(pixels), np.bool_)
    for index in range(len(pixels)):
        y, x = pixels[index] // width, pixels[index] % width
        across_y, across_x = _normal(smooth, y, x)
        highest = image[y, x] * MARGIN
        for step in range(1, radius + 1):
            dy, dx = np.float64(np.float32(step) * across_y), np.float64(np.float32(step) * across_x)
            if highest < _sample(image, y - dy, x - dx) or highest < _sample(image, y + dy, x + dx):
                maximal[index] = False
                break
    return maximal


@kernel
def _normal(smooth, y, x):
    """Unit vector (y, x) across the edge, with y >= 0.

    Its slope is a tangent. Sine and cosine follow from the tangent by a square root, which is rounded in the same way
    on every processor; trigonometric functions are not.
    """
    above, below, per_y = _neighbours(y, smooth.shape[0])
    left, right, per_x = _neighbours(x, smooth.shape[1])
    curve_xx = (_slope_x(smooth, y, right) - _slope_x(smooth, y, left)) * per_x
    curve_xy = (_slope_y(smooth, y, right) - _slope_y(smooth, y, left)) * per_x
    curve_yy = (_slope_y(smooth, below, x) - _slope_y(smooth, above, x)) * per_y
    sign = -ONE if curve_xy > 0 else (ONE if curve_xy < 0 else ZERO)
    tangent = np.float64(curve_yy * sign / (curve_xx + TINY))
    if not np.isfinite(tangent):
        return ONE, ZERO
    cosine = 1 / np.sqrt(1 + tangent * tangent)
    return np.float32(abs(tangent) * cosine), np.float32(cosine if tangent >= 0 else -cosine)


@kernel
def _slope_x(image, y, x):
    left, right, per_pixel = _neighbours(x, image.shape[1])
    return (image[y, right] - image[y, left]) * per_pixel


@kernel
def _slope_y(image, y, x):
    above, below, per_pixel = _neighbours(y, image.shape[0])
    return (image[below, x] - image[above, x]) * per_pixel


@kernel
def _neighbours(index, size):
    """The pixels on both sides, within the image, and the factor that makes their difference a slope."""
    low, high = max(index - 1, 0), min(index + 1, size - 1)
    return low, high, HALF if high - low == 2 else ONE


@kernel
def _sample(image, y, x):
    """Bilinear sample, clipped to the image."""
    height, width = image.shape
    y = np.float32(min(max(y, 0.0), np.float64(np.float32(height - BORDER))))
    x = np.float32(min(max(x, 0.0), np.float64(np.float32(width - BORDER))))
    top, left = int(y), int(x)
    down, right = y - np.float32(top), x - np.float32(left)
    upper = image[top, left] * (ONE - right) + image[top, left + 1] * right
    lower = image[top + 1, left] * (ONE - right) + image[top + 1, left + 1] * right
    return upper * (ONE - down) + lower * down
