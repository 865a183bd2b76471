"""Surface normals."""

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from mtl.data.stored.errors import DamagedFileError
from mtl.data.stored.file import Stored

SHORTEST = 0.1  # of bytes in labels, where normals below this length are taken for not valid
UNIT = 1.01  # a component of a unit vector, with room for rounding
NEAR_UNIT = 0.02  # by how much the length of a unit vector may differ from 1

ByteNormals = Literal["strict", "invpt"]


@dataclass(frozen=True)
class Normals:
    """Directions: bytes v stand for n = 2 v / 255 - 1, real numbers for themselves.

    Args:
        png_normals: How bytes of labels are read: `strict` takes vectors shorter than 0.1 as invalid (grey: a byte
            cannot hold 0) and scales the others to length one; `invpt` keeps all as they are decoded, as the code of
            InvPT and SAK does.

    Raises:
        ValueError: It is another word.
    """

    png_normals: ByteNormals = "strict"

    def __post_init__(self) -> None:
        if self.png_normals not in get_args(ByteNormals):
            raise ValueError(f"dataset.png_normals={self.png_normals}: use {' or '.join(get_args(ByteNormals))}")

    def label(self, stored: Stored) -> NDArray[np.float32]:
        """Vectors, 0 where invalid. Shape [3, H, W].

        Raises:
            DamagedFileError: The file is neither 8-bit colours nor real unit vectors, of shape [H, W, 3].
        """
        numbers = stored.colours()
        if numbers.ndim != 3 or numbers.shape[2] != 3 or not (numbers.dtype == np.uint8 or numbers.dtype.kind == "f"):
            raise stored.refusal("8-bit colours, or real vectors of shape H x W x 3")
        vectors = np.ascontiguousarray(numbers.transpose(2, 0, 1).astype(np.float32))
        if numbers.dtype == np.uint8:
            vectors = 2 * vectors / 255 - 1
            if self.png_normals == "invpt":
                return vectors
            length = np.linalg.norm(vectors, axis=0)
            return np.where(length < SHORTEST, 0, vectors / np.maximum(length, SHORTEST)).astype(np.float32)
        if np.abs(vectors).max() > UNIT:
            raise DamagedFileError(f"{stored.path}: normals reach {np.abs(vectors).max()}, but are unit vectors")
        self._signed(stored, vectors)
        return vectors

    def prediction(self, stored: Stored, size: tuple[int, int]) -> NDArray[np.float32]:
        """Vectors. Shape [3, H, W].

        Taken are bytes, in an image or an array, whether they were rounded or cut off; real vectors of any length;
        and signed whole numbers that are the largest of their type times a unit vector. Channels are the first axis
        or the last.

        Raises:
            DamagedFileError: The file holds something else, such as vectors mapped to 0 .. 1.
        """
        numbers = stored.oriented(3, size)
        if numbers is None or numbers.dtype.kind == "b" or (numbers.dtype.kind == "u" and numbers.dtype != np.uint8):
            raise stored.refusal("vectors of three numbers, real or bytes")
        vectors = numbers.astype(np.float32)
        if numbers.dtype == np.uint8:
            return from_bytes(vectors)
        if numbers.dtype.kind == "f":
            self._signed(stored, vectors)
            return vectors
        vectors /= np.iinfo(numbers.dtype).max
        if not has_unit_length(vectors):
            raise stored.refusal(f"unit vectors times {np.iinfo(numbers.dtype).max}; save real numbers")
        return vectors

    @staticmethod
    def _signed(stored: Stored, vectors: NDArray[np.float32]) -> None:
        """Refuses real numbers that are mapped to 0 .. 1 or 0 .. 255: no component is negative, and no length one."""
        if vectors.min() >= 0 and vectors.any() and not has_unit_length(vectors):
            raise stored.refusal("normals from -1 to 1: no component is negative, and the lengths are not 1")


def from_bytes(stored: NDArray[np.float32]) -> NDArray[np.float32]:
    """Vectors from 255 (n + 1) / 2 as bytes, rounded or cut off, whichever leaves the lengths closer to 1.

    Programs that cut fractions off (the survey code, InvPT and SAK do) store a number half a step too small.

    Args:
        stored: The bytes. Shape [3, H, W].
    """
    rounded = 2 * stored / 255 - 1
    cut = np.minimum((2 * stored + 1) / 255 - 1, 1)  # 255 is left of 1 alone
    return min(rounded, cut, key=lambda vectors: float(np.square(np.linalg.norm(vectors, axis=0) - 1).mean()))


def has_unit_length(vectors: NDArray[np.float32]) -> bool:
    """Whether all vectors have length one, but for those that are zero and for one in a hundred. Shape [3, H, W]."""
    length = np.linalg.norm(vectors, axis=0)
    length = length[length > 0]
    return bool((np.abs(length - 1) < NEAR_UNIT).mean() > 0.99) if length.size else True
