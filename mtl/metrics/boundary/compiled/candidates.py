"""Finds the true boundary pixels within the tolerance of each predicted pixel."""

from typing import NamedTuple

import numpy as np

from mtl.metrics.boundary.compiled.kernel import kernel


class Graph(NamedTuple):
    """Which of N predicted pixels and B boundary pixels are within reach of each other, as lists and their transpose.

    Attributes:
        starts: Pixel i may be paired with the boundary pixels numbers[starts[i]:starts[i + 1]]. Shape [N + 1].
        numbers: Numbers of boundary pixels, row by row of the image, int32. Shape [E].
        back: Boundary pixel b may be paired with the pixels suitors[back[b]:back[b + 1]]. Shape [B + 1].
        suitors: Indices of predicted pixels, ascending for each boundary pixel, int32. Shape [E].
    """

    starts: np.ndarray
    numbers: np.ndarray
    back: np.ndarray
    suitors: np.ndarray


def candidates(pixels: np.ndarray, boundary: np.ndarray, reach: float) -> Graph:
    """List the boundary pixels within reach of each pixel.

    Boundary pixels are numbered row by row, so those within reach in one image row have consecutive numbers. A
    cumulative count of the boundary pixels gives the two ends of each such range:

          . b . . b      row -1: numbers 0 .. 0
        . . . b . .      row  0: number  2            candidates of p: 2, 0, 3
          . p . b .                                   (nearest rows first)
        ...

    Args:
        pixels: Flat positions y * W + x in the image. Shape [N].
        boundary: True boundary, bool. Shape [H, W].
        reach: Largest distance, in pixels.
    """
    height, width = boundary.shape
    before = np.zeros((height, width + 1), np.int32)  # boundary pixels before each position
    before.ravel()[1:] = np.pad(boundary, ((0, 0), (0, 1))).cumsum(dtype=np.int32)[:-1]
    margin = int(reach)
    dy = np.array(sorted(range(-margin, margin + 1), key=abs))
    half_width = np.sqrt(reach * reach - dy * dy).astype(np.int64)
    starts = _sizes(pixels, before, dy, half_width).cumsum()
    numbers = np.empty(starts[-1], np.int32)
    back = _list(pixels, before, dy, half_width, numbers, np.zeros(np.count_nonzero(boundary) + 1, np.int64)).cumsum()
    return Graph(starts, numbers, back, _transpose(starts, numbers, back))


@kernel
def _range(y, x, before, half_width):
    """Numbers [first, end) of the boundary pixels in row y that are at most half_width from x."""
    if not 0 <= y < len(before):
        return 0, 0
    return before[y, max(x - half_width, 0)], before[y, min(x + half_width + 1, before.shape[1] - 1)]


@kernel
def _sizes(pixels, before, dy, half_width):
    width = before.shape[1] - 1
    sizes = np.zeros(len(pixels) + 1, np.int64)
    for index in range(len(pixels)):
        y, x = divmod(pixels[index], width)
        for row in range(len(dy)):
            first, end = _range(y + dy[row], x, before, half_width[row])
            sizes[index + 1] += end - first
    return sizes


@kernel
def _list(pixels, before, dy, half_width, numbers, suitors):
    """Write the numbers, and count the suitors of boundary pixel b in suitors[b + 1]."""
    width = before.shape[1] - 1
    place = 0
    for pixel in pixels:
        y, x = divmod(pixel, width)
        for row in range(len(dy)):
            first, end = _range(y + dy[row], x, before, half_width[row])
            for number in range(first, end):
                numbers[place] = number
                suitors[number + 1] += 1
                place += 1
    return suitors


@kernel
def _transpose(starts, numbers, back):
    next_free = back[:-1].copy()
    suitors = np.empty(len(numbers), np.int32)
    for pixel in range(len(starts) - 1):
        for number in numbers[starts[pixel] : starts[pixel + 1]]:
            suitors[next_free[number]] = pixel
            next_free[number] += 1
    return suitors
