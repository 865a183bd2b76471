"""Files of the datasets as arrays; a file that is not what it should be is named, with the reason."""

import struct
import zlib
from collections.abc import Collection
from pathlib import Path
from typing import Any

import numpy as np
import scipy.io
from numpy.typing import NDArray
from PIL import Image
from scipy.io.matlab import MatReadError

UNREADABLE = (OSError, SyntaxError, ValueError, EOFError, struct.error, zlib.error, MatReadError)
SHORTEST = 0.1  # normals below this length are not valid, as in the loss and in the metric
VOID = 255


class DamagedFileError(ValueError):
    """A file of a dataset is missing, unreadable, or holds something else than its kind does."""


def read_image(path: Path) -> NDArray[np.uint8]:
    """Colours. Shape [3, H, W]."""
    pixels = read_pixels(path, colours=True)
    return np.ascontiguousarray(pixels.transpose(2, 0, 1))


def read_classes(path: Path, allowed: Collection[int], meaning: str) -> NDArray[np.uint8]:
    """A class map; of an image with a palette the indices. Shape [1, H, W].

    Args:
        path: The file.
        allowed: Labels there can be.
        meaning: What they are, for the error.
    """
    return check_classes(path, one_channel(path, read_pixels(path), np.uint8), allowed, meaning)[None]


def read_pixels(path: Path, colours: bool = False) -> NDArray[Any]:
    """An image as it is stored, shape [H, W] or [H, W, C], or in colours, uint8, shape [H, W, 3].

    Pixels stay where the file has them: an orientation in EXIF is not applied, or labels would no longer fit. Of
    several frames it is the first.
    """
    try:
        with Image.open(path) as image:
            if colours and image.mode not in ("1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "YCbCr"):
                raise DamagedFileError(f"{path}: has pixels of kind {image.mode}, not 8-bit colours")
            if not colours:
                return np.array(image)
            veiled = image.mode == "P" and "transparency" in image.info  # straight to RGB, Pillow warns of it
            return np.array((image.convert("RGBA") if veiled else image).convert("RGB"))
    except DamagedFileError:
        raise
    except Image.DecompressionBombError as error:
        raise DamagedFileError(f"{path}: claims more pixels than an image has, so it is not read ({error})") from error
    except UNREADABLE as error:
        raise unreadable(path, error) from error


def read_array(path: Path, shape: tuple[int | None, ...]) -> NDArray[np.float32]:
    """A map of finite real numbers in NumPy's format.

    Args:
        path: The file.
        shape: Its shape, None for any length.
    """
    array = read_numbers(path)
    fits = array.ndim == len(shape) and all(want in (None, have) for want, have in zip(shape, array.shape, strict=True))
    if array.dtype.kind != "f" or not fits:
        wanted = " x ".join(str(length or "any") for length in shape)
        raise DamagedFileError(
            f"{path}: holds {array.dtype} of shape {array.shape}, not real numbers of shape {wanted}"
        )
    return array.astype(np.float32)


def read_numbers(path: Path) -> NDArray[Any]:
    """Finite numbers in NumPy's format, of any type and shape."""
    try:
        array = np.load(path, allow_pickle=False)
    except UNREADABLE as error:
        raise unreadable(path, error) from error
    if array.dtype.kind not in "biuf":
        raise DamagedFileError(f"{path}: holds {array.dtype} of shape {array.shape}, not numbers")
    if not np.isfinite(array).all():
        count = int((~np.isfinite(array)).sum())
        raise DamagedFileError(f"{path}: {count} of its {array.size} numbers are NaN or infinite")
    return array


def read_mat(path: Path, key: str) -> Any:
    """A variable of a MATLAB file."""
    try:
        content = scipy.io.loadmat(path)
    # a damaged file sends SciPy's reader astray wherever it is damaged; whatever it meets there, the file is named
    except (*UNREADABLE, NotImplementedError, TypeError, IndexError, KeyError) as error:
        raise unreadable(path, error) from error
    if key not in content:
        names = ", ".join(name for name in content if not name.startswith("__"))
        raise DamagedFileError(f"{path}: has no variable {key}, only {names or 'none'}")
    return content[key]


def decode_normals(path: Path, *, strict: bool) -> NDArray[np.float32]:
    """Normals of an 8-bit image, n = 2 v / 255 - 1. Shape [3, H, W].

    Args:
        path: The file.
        strict: Whether vectors shorter than 0.1 are taken for not valid (grey: a byte cannot hold 0) and the others
            scaled to length one; otherwise all stay as they are decoded.
    """
    pixels = read_pixels(path)
    if pixels.dtype != np.uint8 or pixels.ndim != 3 or pixels.shape[2] != 3:
        raise DamagedFileError(f"{path}: holds {pixels.dtype} of shape {pixels.shape}, not 8-bit colours")
    normals = 2 * pixels.transpose(2, 0, 1).astype(np.float32) / 255 - 1  # [3, H, W]
    if not strict:
        return np.ascontiguousarray(normals)
    length = np.linalg.norm(normals, axis=0)
    return np.where(length < SHORTEST, 0, normals / np.maximum(length, SHORTEST)).astype(np.float32)


def one_channel(path: Path, pixels: NDArray[Any], dtype: type) -> NDArray[Any]:
    """The pixels, if they are a plain map of that type. Shape [H, W]."""
    if pixels.dtype != dtype or pixels.ndim != 2:
        raise DamagedFileError(f"{path}: holds {pixels.dtype} of shape {pixels.shape}, not a map of {np.dtype(dtype)}")
    return pixels


def check_classes(path: Path, labels: NDArray[Any], allowed: Collection[int], meaning: str) -> NDArray[Any]:
    """The labels, whole numbers from 0, if all of them are allowed. Shape [H, W]."""
    few = labels.max(initial=0) <= np.iinfo(np.uint16).max
    present = np.flatnonzero(np.bincount(labels.ravel())) if few else np.unique(labels)
    wrong = [label for label in present if label not in allowed]
    if wrong:
        row, column = np.argwhere(labels == wrong[0])[0]
        raise DamagedFileError(f"{path}: label {wrong[0]} at row {row}, column {column}, but labels are {meaning}")
    return labels


def check_size(path: Path, label: NDArray[Any], size: tuple[int, ...]) -> None:
    """Refuse a label of another size than its image.

    Args:
        path: File of the label.
        label: The label. Shape [..., H, W].
        size: Height and width of the image.
    """
    if label.shape[-2:] != tuple(size):
        found, wanted = (" x ".join(map(str, shape)) for shape in (label.shape[-2:], size))
        raise DamagedFileError(f"{path}: is {found}, but its image is {wanted}")


def unreadable(path: Path, error: Exception) -> DamagedFileError:
    """What to raise for a file that a library cannot read."""
    if not path.exists():
        return DamagedFileError(f"{path}: missing")
    if isinstance(error, PermissionError):
        return DamagedFileError(f"{path}: may not be read ({error.strerror})")
    reason = " ".join(str(error).replace(str(path), "").split())
    return DamagedFileError(f"{path}: cannot be read, probably cut off at {path.stat().st_size} bytes ({reason})")
