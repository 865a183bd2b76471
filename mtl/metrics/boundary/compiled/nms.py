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
NEXT = np.uint64(1)
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
    tangents = _tangents(_filtered(probability, TRIANGLE))
    maximal = _maximal(probability, tangents, pixels.astype(np.uint64), radius)
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
def _tangents(smooth):
    """Slope of the normal at every pixel, from central differences, one-sided at the rim. Shape [H * W]."""
    height, width = smooth.shape
    slope_y = np.empty_like(smooth)
    for y in range(height):
        above, below, per_pixel = _neighbours(y, height)
        for x in range(width):
            slope_y[y, x] = (smooth[below, x] - smooth[above, x]) * per_pixel
    tangents = np.empty_like(smooth)
    for y in range(height):
        above, below, per_pixel = _neighbours(y, height)
        curve_xx, curve_xy = _slope(_slope(smooth[y])), _slope(slope_y[y])
        for x in range(width):
            curve_yy = (slope_y[below, x] - slope_y[above, x]) * per_pixel
            sign = -ONE if curve_xy[x] > 0 else (ONE if curve_xy[x] < 0 else ZERO)
            tangents[y, x] = curve_yy * sign / (curve_xx[x] + TINY)
    return tangents.ravel()


@kernel
def _neighbours(y, height):
    """The rows on both sides, within the image, and the factor that makes their difference a slope."""
    above, below = max(y - 1, 0), min(y + 1, height - 1)
    return above, below, HALF if below - above == 2 else ONE


@kernel
def _slope(row):
    slope = np.empty_like(row)
    slope[0], slope[-1] = row[1] - row[0], row[-1] - row[-2]
    for x in range(1, len(row) - 1):
        slope[x] = (row[x + 1] - row[x - 1]) * HALF
    return slope


@kernel
def _maximal(image, tangents, pixels, radius):
    """Whether each pixel, in ascending order, is maximal across the edge, bool. Shape [N].

    The loops over pixels have neither branches nor signed indices, so the compiler does several pixels at once.
    """
    across_y, across_x = _normals(tangents, pixels)
    flat = image.ravel()
    maximal = np.ones(len(pixels), np.bool_)
    ys, xs = _coordinates(pixels, image.shape[1])
    for step in range(1, radius + 1):
        for index in range(len(pixels)):
            dy = np.float64(np.float32(step) * across_y[index])
            dx = np.float64(np.float32(step) * across_x[index])
            one = _sample(flat, image.shape, ys[index] - dy, xs[index] - dx)
            other = _sample(flat, image.shape, ys[index] + dy, xs[index] + dx)
            highest = flat[pixels[index]] * MARGIN
            maximal[index] &= (highest >= one) & (highest >= other)
    return maximal


@kernel
def _normals(tangents, pixels):
    """Unit vector (y, x) across the edge at each pixel, with y >= 0. Shapes [N].

    Sine and cosine follow from the tangent by a square root, which is rounded in the same way on every processor;
    trigonometric functions are not.
    """
    across_y, across_x = np.empty(len(pixels), np.float32), np.empty(len(pixels), np.float32)
    for index in range(len(pixels)):
        tangent = np.float64(tangents[pixels[index]])
        steep = not np.isfinite(tangent)
        cosine = 1 / np.sqrt(1 + tangent * tangent)
        across_y[index] = ONE if steep else np.float32(abs(tangent) * cosine)
        across_x[index] = ZERO if steep else np.float32(cosine if tangent >= 0 else -cosine)
    return across_y, across_x


@kernel
def _coordinates(pixels, width):
    """Rows and columns of pixels in ascending order, without a division for each. Shapes [N]."""
    ys, xs = np.empty(len(pixels), np.float32), np.empty(len(pixels), np.float32)
    y, start = 0, np.uint64(0)
    for index in range(len(pixels)):
        while pixels[index] - start >= width:
            y += 1
            start += width
        ys[index], xs[index] = y, pixels[index] - start
    return ys, xs


@kernel
def _sample(flat, shape, y, x):
    """Bilinear sample, clipped to the image."""
    height, width = shape
    y = min(max(np.float32(y), ZERO), np.float32(height - BORDER))
    x = min(max(np.float32(x), ZERO), np.float32(width - BORDER))
    top, left = np.int32(y), np.int32(x)
    down, right = y - np.float32(top), x - np.float32(left)
    place = np.uint64(top * width + left)
    below = place + np.uint64(width)
    upper = flat[place] * (ONE - right) + flat[place + NEXT] * right
    lower = flat[below] * (ONE - right) + flat[below + NEXT] * right
    return upper * (ONE - down) + lower * down
