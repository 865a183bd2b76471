"""Edges between the regions of a class map, and smaller class maps."""

import cv2
import numpy as np
from numpy.typing import NDArray


def partition_edges(regions: NDArray[np.integer]) -> NDArray[np.uint8]:
    """1 on thin lines between the regions, as for PASCAL-Context in ASTMT. Shapes [H, W]."""
    from skimage.morphology import thin  # noqa: PLC0415  slow to import, and other datasets do not need it

    return thin(cv2.Laplacian(regions.astype(np.float64), cv2.CV_64F) != 0).astype(np.uint8)


def shrink_image(image: NDArray[np.uint8], factor: int) -> NDArray[np.uint8]:
    """Mean colour of every block of `factor` x `factor` pixels, rounded. Shapes [C, H, W] to [C, H', W']."""
    blocks = blocks_of(image, factor)
    area = blocks.shape[-1]
    return ((blocks.sum(axis=-1) + area // 2) // area).astype(np.uint8)


def shrink_classes(classes: NDArray[np.uint8], factor: int) -> NDArray[np.uint8]:
    """Most frequent class of every block of `factor` x `factor` pixels. Shapes [C, H, W] to [C, H', W'].

    Of equally frequent ones, the first in the block wins, row by row: no class is favoured, and of lines two pixels
    wide, half remain.
    """
    blocks = blocks_of(classes, factor)
    counts = (blocks[..., None] == blocks[..., None, :]).sum(axis=-1)  # [C, H', W', pixels]
    return np.take_along_axis(blocks, counts.argmax(axis=-1, keepdims=True), axis=-1)[..., 0]


def blocks_of(maps: NDArray[np.uint8], factor: int) -> NDArray[np.uint8]:
    """The pixels of every whole block; rows and columns that do not fill one, below and to the right, are left out.

    Args:
        maps: Shape [C, H, W].
        factor: Side of a block, pixels.

    Returns:
        Shape [C, H // factor, W // factor, factor * factor].
    """
    channels, rows, columns = maps.shape[0], maps.shape[1] // factor, maps.shape[2] // factor
    whole = maps[:, : rows * factor, : columns * factor].reshape(channels, rows, factor, columns, factor)
    return whole.swapaxes(2, 3).reshape(channels, rows, columns, factor * factor)
