"""Finds the true boundary pixels within the tolerance of each predicted pixel."""

import numpy as np


def candidates(points: np.ndarray, boundary: np.ndarray, reach: float) -> tuple[list[list[int]], np.ndarray]:
    """List the boundary pixels within reach of each point.

    Boundary pixels are numbered row by row, so those within reach in one image row have consecutive numbers. A
    cumulative count of the boundary pixels gives the two ends of each such range:

          . b . . b      row -1: numbers 0 .. 0
        . . . b . .      row  0: number  2            candidates of p: 2, 0, 3
          . p . b .                                   (nearest rows first)
        ...

    Args:
        points: Flat positions y * W + x in the image. Shape [N].
        boundary: True boundary, bool. Shape [H, W].
        reach: Largest distance, in pixels.

    Returns:
        The numbers of the boundary pixels of each point that has any, and the indices of those points, shape [M].
    """
    margin = int(reach)
    padded = np.pad(boundary, margin)
    before = np.concatenate([[0], np.cumsum(padded, dtype=np.int32)])  # boundary pixels before each position
    dy = np.array(sorted(range(-margin, margin + 1), key=abs))
    half_width = np.sqrt(reach * reach - dy * dy).astype(int)
    rows, columns = np.divmod(points, boundary.shape[1])
    middles = ((rows + margin) * padded.shape[1] + columns + margin)[:, None] + dy * padded.shape[1]
    first = before[middles - half_width]
    lengths = before[middles + half_width + 1] - first  # [N, rows]
    near = np.flatnonzero(lengths.any(axis=1))
    first, lengths = first[near].ravel(), lengths[near].ravel()
    starts = np.cumsum(lengths) - lengths
    numbers = np.repeat(first - starts, lengths) + np.arange(lengths.sum())
    return split(numbers, lengths.reshape(-1, len(dy)).sum(axis=1)), near


def split(values: np.ndarray, sizes: np.ndarray) -> list[list[int]]:
    """Split an array into consecutive lists.

    Args:
        values: Array to split. Shape [sizes.sum()].
        sizes: Length of each list. Shape [N].
    """
    values, ends = values.tolist(), np.cumsum(sizes).tolist()
    return [values[end - size : end] for end, size in zip(ends, sizes.tolist(), strict=True)]
