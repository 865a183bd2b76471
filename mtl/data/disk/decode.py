"""The one decoder of pictures: datasets and scripts/predict.py see the same pixels of the same file."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mtl.data.stored.errors import UNREADABLE, DamagedFileError, unreadable

COLOURS = ("1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "YCbCr")

__all__ = ["DamagedFileError", "read_image"]


def read_image(path: Path) -> NDArray[np.uint8]:
    """Red, green and blue of a picture of any format. Shape [3, H, W].

    Pixels stay where the file has them: an orientation in EXIF is not applied, or labels would no longer fit. Of
    several frames it is the first.

    Raises:
        DamagedFileError: The file is missing, cut off, too large, or not an image of 8-bit colours.
    """
    try:
        with Image.open(path) as image:
            if image.mode not in COLOURS:
                raise DamagedFileError(f"{path}: has pixels of kind {image.mode}, not 8-bit colours")
            veiled = image.mode == "P" and "transparency" in image.info  # straight to RGB, Pillow warns of it
            pixels = np.array((image.convert("RGBA") if veiled else image).convert("RGB"))
    except DamagedFileError:
        raise
    except UNREADABLE as error:
        raise unreadable(path, error) from error
    return np.ascontiguousarray(pixels.transpose(2, 0, 1))
