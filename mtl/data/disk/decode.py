"""Image decoder shared by datasets and scripts/predict.py, so that both see the same pixels."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mtl.data.stored.errors import UNREADABLE, DamagedFileError, unreadable

COLOURS = ("1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "YCbCr")

__all__ = ["DamagedFileError", "read_image"]


def read_image(path: Path) -> NDArray[np.uint8]:
    """Decode an image of any format to RGB. Shape [3, H, W].

    EXIF orientation is not applied, because labels are stored in the orientation of the raw pixels. Of several frames,
    the first is read.

    Raises:
        DamagedFileError: The file is missing, truncated, too large, or not an image with 8-bit colours.
    """
    try:
        with Image.open(path) as image:
            if image.mode not in COLOURS:
                raise DamagedFileError(f"{path}: has pixels of mode {image.mode}; save 8-bit colours")
            veiled = image.mode == "P" and "transparency" in image.info  # Pillow warns if converted directly to RGB
            pixels = np.array((image.convert("RGBA") if veiled else image).convert("RGB"))
    except DamagedFileError:
        raise
    except UNREADABLE as error:
        raise unreadable(path, error) from error
    return np.ascontiguousarray(pixels.transpose(2, 0, 1))
