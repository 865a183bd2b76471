"""Reads PNG images as numbers."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mtl.data.stored.errors import UNREADABLE, DamagedFileError, unreadable

OPAQUE = 255


def read_png(path: Path) -> tuple[NDArray[np.generic], NDArray[np.uint8] | None]:
    """The numbers of a PNG image, and its palette if it has one.

    Grey values of 1, 2 or 4 bits are scaled to 0 .. 255, as in every image library. An alpha channel is dropped if it
    is opaque everywhere.

    Args:
        path: The file.

    Returns:
        Grey values, colours or palette indices, shape [H, W] or [H, W, 3]; the palette, shape [N, 3].

    Raises:
        DamagedFileError: The file is missing, truncated, too large, not a PNG, partly transparent, or has 16-bit
            colours.
    """
    try:
        with Image.open(path) as image:
            if image.format != "PNG":
                raise DamagedFileError(f"{path}: is a {image.format} image; save PNG, which keeps every value")
            mode, samples = image.mode, str(image.tile[0][3]) if image.tile else image.mode
            pixels = np.array(image.convert("L") if mode == "1" else image)  # uint8, or uint16 of 16-bit grey
            palette = np.array(image.getpalette("RGB"), np.uint8).reshape(-1, 3) if mode == "P" else None
    except DamagedFileError:
        raise
    except UNREADABLE as error:
        raise unreadable(path, error) from error
    if pixels.ndim == 3 and "16" in samples:
        raise DamagedFileError(f"{path}: has 16-bit colours; save 8-bit colours, or an array in .npy")
    if palette is not None and pixels.max() >= len(palette):
        raise DamagedFileError(f"{path}: has index {pixels.max()}, but its palette ends at {len(palette) - 1}")
    if mode in ("LA", "RGBA"):
        if (pixels[..., -1] != OPAQUE).any():
            raise DamagedFileError(f"{path}: is partly transparent; save it without an alpha channel")
        pixels = pixels[..., 0] if mode == "LA" else pixels[..., :3]
    return pixels, palette
