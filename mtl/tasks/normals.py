"""Surface normals: unit vectors in the camera frame."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from mtl.tasks.base import GREY, Noise, Notation, TaskLabel

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from torch import Tensor

    from mtl.data.stored import Stored

SHORTEST = 0.1  # 8-bit normals shorter than this are invalid
UNIT = 1.01  # largest component of a unit vector, with tolerance for rounding
COS_30 = 0.75**0.5
NEAR_UNIT = 0.02  # tolerance of the length of a unit vector

ByteNormals = Literal["strict", "invpt"]


@dataclass(frozen=True)
class Normals(TaskLabel):
    """Unit vectors (x right, y down, z forward), 0 where invalid. Shape [3, H, W].

    A horizontal flip changes the sign of x; a zoom changes nothing. Stored bytes v mean n = 2 v / 255 - 1; floats are
    stored unscaled.

    Args:
        png_normals: How 8-bit labels are read: `strict` treats vectors shorter than 0.1 as invalid (grey: a byte
            cannot represent 0) and scales the others to unit length; `invpt` keeps all vectors as decoded, like the
            code of InvPT and SAK.

    Raises:
        ValueError: `png_normals` has another value.
    """

    png_normals: ByteNormals = "strict"

    name = "normals"
    fill = 0.0
    channels = predicted = 3
    mirrored = (0,)
    colour = "#56B4E9"
    place = 4
    notations: ClassVar = {
        "mean_angular_error": Notation("mErr", "deg", 2, higher_is_better=False),
        "median_angular_error": Notation("median", "deg", 2, higher_is_better=False),
        "within_11_25": Notation("within 11.25 deg", "%", 2, higher_is_better=True),
        "within_22_5": Notation("within 22.5 deg", "%", 2, higher_is_better=True),
        "within_30": Notation("within 30 deg", "%", 2, higher_is_better=True),
    }

    def __post_init__(self) -> None:
        if self.png_normals not in get_args(ByteNormals):
            raise ValueError(f"dataset.png_normals={self.png_normals}: use {' or '.join(get_args(ByteNormals))}")

    def corrupt(self, label: NDArray[np.float32], rng: np.random.Generator, noise: Noise) -> NDArray[np.float32]:
        """Unit vectors tilted by Gaussian noise on each component. Shapes [3, H, W]."""
        tilted = label + np.float32(noise.deviations[self.name]) * rng.standard_normal(label.shape, np.float32)
        tilted /= np.maximum(np.linalg.norm(tilted, axis=0), np.float32(1e-12))
        return np.where(self.valid(label), tilted, label)

    def constant(self, labels: Iterable[NDArray[Any]], channels: int) -> NDArray[np.float64]:
        """Mean direction. Shape [3]."""
        total = sum(
            (label.sum(axis=(1, 2), dtype=np.float64) for label in labels), start=np.zeros(3)
        )  # invalid vectors are 0
        return total / max(np.linalg.norm(total), 1e-12)

    def natural(self, prediction: "Tensor") -> "Tensor":
        """Unit vectors. Shape [3, H, W]."""
        return prediction / prediction.norm(dim=0, keepdim=True).clamp_min(1e-12).expand_as(prediction)

    def kpi(self, predictions: "Tensor", labels: "Tensor") -> tuple["Tensor", "Tensor"]:
        """Pixels within 30 degrees of the label, and labelled pixels."""
        known, lengths = self.valid(labels), predictions.norm(dim=1) * labels.norm(dim=1)  # [B, H, W]
        close = (predictions * labels).sum(1) > COS_30 * lengths
        return (close[:, None] & known).sum(), known.sum()

    def draw(self, axes: "Axes", values: NDArray[Any], names: Sequence[str] = (), key: bool = True) -> None:
        """Usual colour coding: red, green and blue are right, up and towards the viewer, from -1 (dark) to 1."""
        seen = (values.transpose(1, 2, 0) * (1, -1, -1) + 1) / 2  # [H, W, 3]
        axes.imshow(np.where(self.valid(values).transpose(1, 2, 0), seen.clip(0, 1), GREY), interpolation="nearest")
        if key:
            caption = "red: to the right, green: up, blue: towards the camera"
            axes.text(0.5, -0.02, caption, transform=axes.transAxes, ha="center", va="top", fontsize=8, color="0.35")

    def read_label(self, stored: "Stored") -> NDArray[np.float32]:
        """Vectors, 0 where invalid. Shape [3, H, W].

        Raises:
            DamagedFileError: The file holds neither 8-bit colours nor float unit vectors of shape [H, W, 3].
        """
        numbers = stored.colours()
        if numbers.ndim != 3 or numbers.shape[2] != 3 or not (numbers.dtype == np.uint8 or numbers.dtype.kind == "f"):
            raise stored.refusal("8-bit colours, or real vectors of shape H x W x 3")
        vectors = np.ascontiguousarray(numbers.transpose(2, 0, 1).astype(np.float32))
        if numbers.dtype == np.uint8:
            vectors = (2 * vectors / 255 - 1).astype(np.float32, copy=False)
            if self.png_normals == "invpt":
                return vectors
            length = np.linalg.norm(vectors, axis=0)
            return np.where(length < SHORTEST, 0, vectors / np.maximum(length, SHORTEST)).astype(np.float32)
        if np.abs(vectors).max() > UNIT:
            raise stored.damaged(f"components of normals reach {np.abs(vectors).max()}; save unit vectors")
        self._signed(stored, vectors)
        return vectors

    def read_prediction(self, stored: "Stored", size: tuple[int, int]) -> NDArray[np.float32]:
        """Vectors. Shape [3, H, W].

        Accepts bytes, in an image or an array, whether rounded or truncated; float vectors of any length; and signed
        integers that are the largest of their type times a unit vector. Channels are the first or the last axis.

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
    def _signed(stored: "Stored", vectors: NDArray[np.float32]) -> None:
        """Reject floats mapped to 0 .. 1 or 0 .. 255, in which no component is negative and lengths are not 1."""
        if vectors.min() >= 0 and vectors.any() and not has_unit_length(vectors):
            raise stored.refusal("normals from -1 to 1: no component is negative, and the lengths are not 1")


def from_bytes(stored: NDArray[np.float32]) -> NDArray[np.float32]:
    """Vectors from bytes 255 (n + 1) / 2, taken as rounded or truncated, whichever gives lengths closer to 1.

    Programs that truncate (the survey code, InvPT and SAK) store a value half a step too small on average.

    Args:
        stored: The bytes. Shape [3, H, W].
    """
    rounded = 2 * stored / 255 - 1
    cut = np.minimum((2 * stored + 1) / 255 - 1, 1)  # 255 can only come from 1
    return min(rounded, cut, key=lambda vectors: float(np.square(np.linalg.norm(vectors, axis=0) - 1).mean()))


def has_unit_length(vectors: NDArray[np.float32]) -> bool:
    """Whether all vectors have unit length, except for zeros and one vector in a hundred. Shape [3, H, W]."""
    length = np.linalg.norm(vectors, axis=0)
    length = length[length > 0]
    return bool((np.abs(length - 1) < NEAR_UNIT).mean() > 0.99) if length.size else True
