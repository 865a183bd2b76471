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
    margin = int(reach)
    width = boundary.shape[1] + 2 * margin  # with a rim, so that no range leaves the image
    before = _count(np.pad(boundary, margin).ravel())
    dy = np.array(sorted(range(-margin, margin + 1), key=abs))
    half_width = np.sqrt(reach * reach - dy * dy).astype(np.int64)
    rows, columns = np.divmod(pixels, boundary.shape[1])
    places = ((rows + margin) * width + columns + margin).astype(np.uint64)
    first = (dy * width - half_width).astype(np.uint64)  # from a place; negative ones wrap around
    end = (dy * width + half_width + 1).astype(np.uint64)
    starts = _sizes(places, before, first, end).cumsum()
    numbers = np.empty(starts[-1], np.int32)
    back = _list(places, before, first, end, numbers, np.zeros(before[-1] + 1, np.int64)).cumsum()
    return Graph(starts, numbers, back, _transpose(starts, numbers, back))


@kernel
def _count(present):
    """How many are present before each position. Shapes [P] and [P + 1]."""
    before = np.zeros(len(present) + 1, np.int32)
    for index in range(len(present)):
        before[index + 1] = before[index] + present[index]
    return before


@kernel
def _sizes(places, before, first, end):
    """How many boundary pixels lie in the ranges [first, end) from each place, in sizes[i + 1]. Shape [N + 1]."""
    sizes = np.zeros(len(places) + 1, np.int64)
    for row in range(len(first)):
        for index in range(len(places)):
            sizes[index + 1] += before[places[index] + end[row]]
            sizes[index + 1] -= before[places[index] + first[row]]
    return sizes


@kernel
def _list(places, before, first, end, numbers, suitors):
    """Write the numbers, and count the suitors of boundary pixel b in suitors[b + 1]."""
    free = 0
    for place in places:
        for row in range(len(first)):
            for number in range(before[place + first[row]], before[place + end[row]]):
                numbers[free] = number
                suitors[number + 1] += 1
                free += 1
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
