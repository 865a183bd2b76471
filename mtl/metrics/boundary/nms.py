"""Non-maximum suppression of an edge probability map, across the edge.

Dollar and Zitnick, Fast Edge Detection Using Structured Forests, TPAMI 2015.
https://arxiv.org/abs/1406.5549, Sec. 4 (the edge detection toolbox's suppression step).
"""

import cv2
import numpy as np

TRIANGLE = np.array([1, 2, 3, 4, 5, 4, 3, 2, 1], np.float32) / 25  # radius 4
SMALL_TRIANGLE = np.array([1, 2, 1], np.float32) / 4  # radius 1
MARGIN = np.float32(1.01)  # a pixel is suppressed only if a neighbour exceeds it by more than this factor
TINY = np.float32(1e-5)  # keeps the orientation of a flat map finite


def suppress(probability: np.ndarray, *, radius: int, taper: int) -> np.ndarray:
    """Keep the pixels that are maximal across the edge and set the others to 0.

    A pixel survives if 1.01 times its value is at least as large as the bilinear samples at distances 1 .. radius on
    both sides, along the edge normal. The orientation comes from the second derivatives of a copy smoothed with a
    triangle filter of radius 4.

    Args:
        probability: Edge probability in [0, 1], float32. Shape [H, W].
        radius: Largest sampling distance on each side, in pixels.
        taper: Width of the linear ramp that fades the image rim to 0, in pixels; 0 for no ramp.

    Returns:
        The suppressed map, float32. Shape [H, W].
    """
    height, width = probability.shape
    rows, columns = np.nonzero(probability)
    angle = orientation(probability, rows, columns)
    across_x, across_y = np.cos(angle), np.sin(angle)
    values = probability[rows, columns]
    survives = np.ones(len(values), bool)
    for step in range(1, radius + 1):
        for signed in (-step, step):
            sample = _bilinear(probability, rows + signed * across_y, columns + signed * across_x)
            survives &= values * MARGIN >= sample
    suppressed = np.zeros_like(probability)
    suppressed[rows[survives], columns[survives]] = values[survives]
    if taper:
        suppressed *= _ramp(height, taper)[:, None] * _ramp(width, taper)
    return suppressed


def smoothed(probability: np.ndarray) -> np.ndarray:
    """Smooth with the triangle filter of radius 1, as some protocols do before the suppression.

    Args:
        probability: Edge probability, float32. Shape [H, W].
    """
    return _filtered(probability, SMALL_TRIANGLE)


def orientation(probability: np.ndarray, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """Angle between the edge normal and the x axis at the given pixels, in [0, pi). Shape [N].

    Args:
        probability: Edge probability, float32. Shape [H, W].
        rows: Row of each pixel. Shape [N].
        columns: Column of each pixel. Shape [N].
    """
    slope_y, slope_x = np.gradient(_filtered(probability, TRIANGLE))
    curve_xx = np.gradient(slope_x, axis=1)[rows, columns]
    curve_yy, curve_xy = (curve[rows, columns] for curve in np.gradient(slope_y))
    return np.arctan(curve_yy * np.sign(-curve_xy) / (curve_xx + TINY)) % np.float32(np.pi)


def _filtered(image: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    return cv2.sepFilter2D(image, -1, kernel, kernel, borderType=cv2.BORDER_REFLECT)


def _bilinear(image: np.ndarray, y: np.ndarray, x: np.ndarray) -> np.ndarray:
    height, width = image.shape
    y = np.clip(y, 0, np.float32(height - 1.001)).astype(np.float32)
    x = np.clip(x, 0, np.float32(width - 1.001)).astype(np.float32)
    top, left = y.astype(np.intp), x.astype(np.intp)
    down, right = y - top.astype(np.float32), x - left.astype(np.float32)
    upper = image[top, left] * (1 - right) + image[top, left + 1] * right
    lower = image[top + 1, left] * (1 - right) + image[top + 1, left + 1] * right
    return upper * (1 - down) + lower * down


def _ramp(length: int, taper: int) -> np.ndarray:
    width = min(taper, length // 2)
    ramp = np.ones(length, np.float32)
    ramp[:width] = np.arange(width, dtype=np.float32) / width
    ramp[length - width :] = ramp[:width][::-1]
    return ramp
