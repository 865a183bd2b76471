"""A label or a prediction as a file holds it, before a task says what the numbers stand for."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mtl.data.stored.arrays import read_mat, read_npy
from mtl.data.stored.errors import DamagedFileError
from mtl.data.stored.image import read_png

SUFFIXES = (".png", ".npy", ".npz", ".mat")


@dataclass(frozen=True)
class Stored:
    """The numbers of a file: finite, at least one, in the byte order of this machine.

    Args:
        path: The file, for messages.
        numbers: Real or whole numbers of any shape.
        palette: Colours of the indices, of an image with a palette. Shape [N, 3].
    """

    path: Path
    numbers: NDArray[Any]
    palette: NDArray[np.uint8] | None = None

    def __post_init__(self) -> None:
        numbers = np.asarray(self.numbers)
        if numbers.dtype.kind not in "biuf":
            raise DamagedFileError(f"{self.path}: holds {numbers.dtype} of shape {numbers.shape}, not numbers")
        if not numbers.size:
            raise DamagedFileError(f"{self.path}: holds {numbers.dtype} of shape {numbers.shape}, which is empty")
        if not (finite := np.isfinite(numbers)).all():
            count = numbers.size - np.count_nonzero(finite)
            raise DamagedFileError(f"{self.path}: {count} of its {numbers.size} numbers are NaN or infinite")
        longest = numbers.dtype.kind == "f" and numbers.itemsize > 8  # torch has nothing for it
        dtype = np.dtype(np.float64) if longest else numbers.dtype.newbyteorder("=")
        object.__setattr__(self, "numbers", numbers.astype(dtype, copy=False))

    def grey(self) -> NDArray[Any]:
        """The numbers as one value a pixel: grey values of an image, however it stores them.

        A grey palette is looked up, and of colours that are all grey one channel is taken. What has more than one
        value a pixel keeps its shape.

        Raises:
            DamagedFileError: It is an image with a palette of colours.
        """
        if self.palette is not None:
            if not self.is_grey(self.palette):
                raise DamagedFileError(f"{self.path}: has a palette of colours; save grey values without a palette")
            return self.palette[self.numbers, 0]
        if self.path.suffix.lower() == ".png" and self.numbers.ndim == 3 and self.is_grey(self.numbers):
            return self.numbers[..., 0]
        return self.numbers

    def colours(self) -> NDArray[Any]:
        """The numbers, those of a palette looked up."""
        return self.numbers if self.palette is None else self.palette[self.numbers]

    def map(self) -> NDArray[Any]:
        """The grey values of a label. Shape [H, W].

        Raises:
            DamagedFileError: They are no map.
        """
        grey = self.grey()
        if grey.ndim != 2:
            raise self.refusal("one value a pixel")
        return grey

    def oriented(self, channels: int, size: tuple[int, int] | None = None) -> NDArray[Any] | None:
        """The numbers of a prediction, channels first; None where they have another number of channels.

        A batch of one is one, and one channel needs no axis of its own.

        Args:
            channels: Number of channels C.
            size: Height and width, which tell [C, H, W] from [H, W, C] where both are possible.

        Returns:
            Shape [C, H, W]; its H and W are not always those of `size`.

        Raises:
            DamagedFileError: Both orders are possible.
        """
        numbers = self.grey() if channels == 1 else self.colours()
        numbers = numbers[0] if numbers.ndim == 4 and len(numbers) == 1 else numbers
        if numbers.ndim == 2 and channels == 1:
            return numbers[None]
        if numbers.ndim != 3 or channels not in (numbers.shape[0], numbers.shape[2]):
            return None
        first = [numbers] if numbers.shape[0] == channels else []
        last = [numbers.transpose(2, 0, 1)] if numbers.shape[2] == channels else []
        fitting = [array for array in (*first, *last) if size in (None, array.shape[1:])]
        if len(fitting) == 2 and channels > 1:
            raise DamagedFileError(
                f"{self.path}: of shape {numbers.shape}, channels are the first axis or the last; save {channels} x "
                "H x W with H and W unlike it, or another format"
            )
        return (fitting or first or last)[0]

    @staticmethod
    def is_grey(colours: NDArray[Any]) -> bool:
        """Whether red, green and blue are equal everywhere. Shape [..., 3]."""
        return colours.shape[-1] == 3 and bool((colours == colours[..., :1]).all())

    def damaged(self, reason: str) -> DamagedFileError:
        """The error for this file.

        Args:
            reason: What is wrong with it.
        """
        return DamagedFileError(f"{self.path}: {reason}")

    def refusal(self, wanted: str) -> DamagedFileError:
        """The error for numbers that the task cannot take.

        Args:
            wanted: What they should be.
        """
        numbers = self.numbers
        kind = "a palette image" if self.palette is not None else str(numbers.dtype)
        return self.damaged(
            f"holds {kind} of shape {numbers.shape}, from {numbers.min()} to {numbers.max()}, not {wanted}"
        )


def read_stored(path: Path, name: str) -> Stored:
    """The numbers of a file, by its extension.

    Args:
        path: The file: .png, .npy, .npz or .mat, in capitals too.
        name: Name of the variable in .mat, and of the array in an .npz of several.

    Raises:
        DamagedFileError: It is missing, cut off, or holds no finite numbers.
    """
    suffix = path.suffix.lower()
    if suffix == ".png":
        return Stored(path, *read_png(path))
    return Stored(path, (read_mat if suffix == ".mat" else read_npy)(path, name))


def check_size(path: Path, label: NDArray[Any], size: tuple[int, ...]) -> None:
    """Refuse a label whose size differs from that of its image.

    Args:
        path: File of the label.
        label: The label. Shape [..., H, W].
        size: Height and width of the image.

    Raises:
        DamagedFileError: The sizes differ.
    """
    if label.shape[-2:] != tuple(size):
        found, wanted = (" x ".join(map(str, shape)) for shape in (label.shape[-2:], size))
        raise DamagedFileError(f"{path}: is {found}, but its image is {wanted}")
