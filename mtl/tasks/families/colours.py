"""Colour map of PASCAL VOC, which most programs use to save class maps.

Everingham et al., The PASCAL Visual Object Classes Challenge 2012, development kit.
http://host.robots.ox.ac.uk/pascal/VOC/voc2012
"""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from mtl.data.stored import Stored

NONE = -1  # number of a colour without a class


def voc_colours(count: int) -> NDArray[np.uint8]:
    """The first colours of the colour map. Shape [N, 3].

    The bits of a number go to red, green and blue in turn, the lowest three to the highest bit of each.

    Args:
        count: Number of colours N, up to 256.

    Example:
        >>> voc_colours(3).tolist()
        [[0, 0, 0], [128, 0, 0], [0, 128, 0]]
    """
    places = np.arange(8)
    bits = np.arange(count)[:, None, None] >> (3 * places[:, None] + np.arange(3)) & 1  # [N, 8, 3]
    return (bits << (7 - places)[:, None]).sum(axis=1).astype(np.uint8)


def numbers_of_colours(colours: NDArray[np.uint8], count: int) -> NDArray[np.int64]:
    """Number of each colour in the colour map, -1 if it has none. Shapes [N, 3] to [N].

    Args:
        colours: The colours.
        count: Known numbers are 0 to `count` - 1, and 255.
    """
    known = {bytes(colour): number for number, colour in enumerate(voc_colours(256)) if number < count or number == 255}
    return np.array([known.get(bytes(colour), NONE) for colour in colours], np.int64)


def class_numbers(stored: "Stored", count: int) -> tuple[NDArray[np.generic], bool]:
    """The class numbers of a file, and whether they were decoded from colours.

    The indices of a palette image are the class numbers, unless an optimiser of PNG files has renumbered them. Then
    the palette is grey, or holds the colours of the colour map in another order, and the numbers are those of the
    colours. An RGB image holds colours of the colour map, or is grey with three equal channels.

    Args:
        stored: An image or an array.
        count: Known class numbers are 0 to `count` - 1, and 255.

    Returns:
        Class numbers of shape [H, W] (another shape if the file is not a map), and the flag.

    Raises:
        DamagedFileError: A colour belongs to no class.
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
