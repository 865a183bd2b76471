"""Colours of class maps: the colour map of PASCAL VOC, in which most programs draw classes.

Everingham et al., The PASCAL Visual Object Classes Challenge 2012, development kit.
http://host.robots.ox.ac.uk/pascal/VOC/voc2012
"""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from mtl.data.stored import Stored

NONE = -1  # number of a colour that stands for no class


def voc_colours(count: int) -> NDArray[np.uint8]:
    """The first colours of the map. Shape [N, 3].

    The bits of a number go to red, green and blue in turn, the lowest three to the highest bit of each.

    Args:
        count: How many, up to 256.
    """
    places = np.arange(8)
    bits = np.arange(count)[:, None, None] >> (3 * places[:, None] + np.arange(3)) & 1  # [N, 8, 3]
    return (bits << (7 - places)[:, None]).sum(axis=1).astype(np.uint8)


def numbers_of_colours(colours: NDArray[np.uint8], count: int) -> NDArray[np.int64]:
    """Number of each colour among the first of the map and the last one, 255; -1 for others. Shapes [N, 3] to [N].

    Args:
        colours: The colours.
        count: How many of the map count, up to 255.
    """
    known = {bytes(colour): number for number, colour in enumerate(voc_colours(256)) if number < count or number == 255}
    return np.array([known.get(bytes(colour), NONE) for colour in colours], np.int64)


def class_numbers(stored: "Stored", count: int) -> tuple[NDArray[np.generic], bool]:
    """The numbers of a class map, and whether they are those of colours.

    An image with a palette holds the indices, unless a program that makes files smaller has renumbered them: then
    the palette is one of greys, or has the colours of the map in another order, and the colours tell the numbers. An
    image of colours has those of the map, or is grey with three channels.

    Args:
        stored: An image or an array.
        count: How many numbers there are, from 0; the colour of 255 is known as well.

    Returns:
        Shape [H, W], or another where the file is no map.

    Raises:
        DamagedFileError: A colour stands for no class.
    """
    numbers, palette = stored.numbers, stored.palette
    if palette is not None:
        if stored.is_grey(palette):
            return palette[numbers, 0], False
        used = np.unique(numbers)
        known = numbers_of_colours(palette, count)
        if (palette[used] == voc_colours(256)[used]).all() or (known == NONE).any():
            return numbers, False
        return known[numbers], True
    if numbers.dtype != np.uint8 or numbers.ndim != 3 or numbers.shape[2] != 3:
        return (numbers if (one := stored.oriented(1)) is None else one[0]), False
    colours, places = np.unique(numbers.reshape(-1, 3), axis=0, return_inverse=True)
    known = numbers_of_colours(colours, count)
    if (known != NONE).all():
        return known[places].reshape(numbers.shape[:2]), True
    if stored.is_grey(colours):
        return numbers[..., 0], False
    wrong = int((known == NONE).argmax())
    row, column = np.argwhere((numbers == colours[wrong]).all(axis=2))[0]
    raise stored.damaged(
        f"colour {tuple(colours[wrong].tolist())} at row {row}, column {column} is not one of the first "
        f"{count} of the PASCAL VOC colour map; save class numbers"
    )
