"""Computes the true boundary from a stored partition, and checks stored lines.

    partition        differs from its E,      thinned
                     S or SE neighbour
    1 1 1 2 2        . . # . .                . . # . .
    1 1 1 2 2        . # # . .                . # . . .
    1 1 2 2 2        # # # # #                # # # # #
    3 3 3 3 3        . . . . .                . . . . .

The marked pixels are offset from the border between regions by half a pixel towards the origin.
"""

import cv2
import numpy as np

BLOCK = np.ones((2, 2), np.uint8)
MOST_SOLID = 0.75  # share; thin lines around all regions of a tiny image reach 0.6, lines two pixels wide 1


def boundary_of(partition: np.ndarray) -> np.ndarray:
    """Thin boundary between the regions of a partition, bool. Shape [H, W].

    Args:
        partition: Region number of each pixel. Shape [H, W].
    """
    from mtl.metrics.boundary.compiled import thin_map  # noqa: PLC0415  loads numba, which only scoring needs

    marks = np.zeros(partition.shape, bool)
    marks[:, :-1] |= partition[:, :-1] != partition[:, 1:]
    marks[:-1] |= partition[:-1] != partition[1:]
    marks[:-1, :-1] |= partition[:-1, :-1] != partition[1:, 1:]
    return thin_map(marks)


def check_boundary(boundary: np.ndarray) -> None:
    """Reject anything that is not a map of thin lines.

    Args:
        boundary: True boundary. Shape [H, W].

    Raises:
        ValueError: The map is not bool, or its lines are wider than one pixel.
    """
    if boundary.dtype != bool:
        raise ValueError(f"boundary is {boundary.dtype}; pass bool, true on the boundary")
    corners = cv2.erode(boundary.astype(np.uint8), BLOCK, anchor=(0, 0), borderValue=0)
    solid = cv2.dilate(corners, BLOCK, anchor=(1, 1), borderValue=0)
    share = np.count_nonzero(solid) / max(np.count_nonzero(boundary), 1)
    if share > MOST_SOLID:
        raise ValueError(
            f"boundary is not thin: {share:.0%} of its pixels lie in solid 2 x 2 blocks; "
            "thin it to lines one pixel wide first"
        )
