"""The true boundary, from what a dataset stores of it.

    partition        differs from its E,      thinned
                     S or SE neighbour
    1 1 1 2 2        . . # . .                . . # . .
    1 1 1 2 2        . # # . .                . # . . .
    1 1 2 2 2        # # # # #                # # # # #
    3 3 3 3 3        . . . . .                . . . . .

The marks lie half a pixel towards the origin from the border of the regions.
"""

import cv2
import numpy as np

from mtl.metrics.boundary.thinning import thin_map

BLOCK = np.ones((2, 2), np.uint8)
MOST_SOLID = 0.75  # drawn around every region of a tiny image, thin lines reach 0.6; two pixels wide they reach 1


def boundary_of(partition: np.ndarray) -> np.ndarray:
    """Thin boundary between the regions of a partition, bool. Shape [H, W].

    Args:
        partition: Number of the region of each pixel. Shape [H, W].
    """
    marks = np.zeros(partition.shape, bool)
    marks[:, :-1] |= partition[:, :-1] != partition[:, 1:]
    marks[:-1] |= partition[:-1] != partition[1:]
    marks[:-1, :-1] |= partition[:-1, :-1] != partition[1:, 1:]
    return thin_map(marks)


def check_boundary(boundary: np.ndarray) -> None:
    """Refuse what is no map of thin lines.

    Args:
        boundary: True boundary. Shape [H, W].

    Raises:
        ValueError: The map is not bool, or its lines are wider than a pixel.
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
