"""Raw numbers of a label or prediction file, before a task interprets them."""

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
    """The numbers of a file: finite, not empty, in native byte order.

    Args:
        path: The file, for messages.
        numbers: Floats, integers or booleans of any shape.
        palette: Colours of the indices, for palette images. Shape [N, 3].

    Example:
        >>> stored = Stored(Path("depth/0001.npy"), np.ones((1, 4, 3, 1)))  # batch and channel of size one
        >>> stored.oriented(channels=1).shape
        (1, 4, 3)
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
            raise DamagedFileError(f"{self.path}: {count} of its {numbers.size} values are NaN or infinite")
        longest = numbers.dtype.kind == "f" and numbers.itemsize > 8  # torch does not support it
        dtype = np.dtype(np.float64) if longest else numbers.dtype.newbyteorder("=")
        object.__setattr__(self, "numbers", numbers.astype(dtype, copy=False))

    def grey(self) -> NDArray[Any]:
        """The numbers with one value per pixel: the grey values of an image, however it stores them.

        A grey palette is applied, and of an RGB image that is all grey one channel is taken. Files with more than one
        value per pixel keep their shape.

        Raises:
            DamagedFileError: The file is an image with a colour palette.
        """
        if self.palette is not None:
            if not self.is_grey(self.palette):
                raise DamagedFileError(f"{self.path}: has a colour palette; save grey values without a palette")
            return self.palette[self.numbers, 0]
        if self.path.suffix.lower() == ".png" and self.numbers.ndim == 3 and self.is_grey(self.numbers):
            return self.numbers[..., 0]
        return self.numbers

    def colours(self) -> NDArray[Any]:
        """The numbers, with the palette applied if there is one."""
        return self.numbers if self.palette is None else self.palette[self.numbers]

    def map(self) -> NDArray[Any]:
        """The grey values of a label. Shape [H, W].

        Raises:
            DamagedFileError: There is more than one value per pixel.
        """
        grey = self.grey()
        if grey.ndim != 2:
            raise self.refusal("one value per pixel")
        return grey

    def oriented(self, channels: int, size: tuple[int, int] | None = None) -> NDArray[Any] | None:
        """The numbers of a prediction, channels first; None if they have another number of channels.

        A batch axis of size one is dropped, and a single channel needs no axis.

        Args:
            channels: Number of channels C.
            size: Height and width, to distinguish [C, H, W] from [H, W, C] where both are possible.

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
                f"{self.path}: shape {numbers.shape} is ambiguous, channels may be the first or the last axis; save "
                f"{channels} x H x W at the size of the image, or another format"
            )
        return (fitting or first or last)[0]

    @staticmethod
    def is_grey(colours: NDArray[Any]) -> bool:
        """Whether red, green and blue are equal everywhere. Shape [..., 3]."""
        return colours.shape[-1] == 3 and bool((colours == colours[..., :1]).all())

    def damaged(self, reason: str) -> DamagedFileError:
        """The error for this file.

        Args:
            reason: What is wrong with the file.
        """
        return DamagedFileError(f"{self.path}: {reason}")

    def refusal(self, wanted: str) -> DamagedFileError:
        """The error for numbers that the task does not accept.

        Args:
            wanted: What the file should hold.
        """
        numbers = self.numbers
        kind = "a palette image" if self.palette is not None else str(numbers.dtype)
        return self.damaged(
            f"holds {kind} of shape {numbers.shape}, from {numbers.min()} to {numbers.max()}, not {wanted}"
        )


def read_stored(path: Path, name: str) -> Stored:
    """The numbers of a file, by its extension.

    Args:
        path: The file: .png, .npy, .npz or .mat, in lower or upper case.
        name: Name of the variable in a .mat, or of the array in an .npz with several.

    Raises:
        DamagedFileError: The file is missing, truncated, or holds anything but finite numbers.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     np.save(f"{folder}/0001.npy", np.full((2, 3), 1.5))
        ...     stored = read_stored(Path(folder, "0001.npy"), "depth")
        >>> stored.map().shape
        (2, 3)
    """
    suffix = path.suffix.lower()
    if suffix == ".png":
        return Stored(path, *read_png(path))
    return Stored(path, (read_mat if suffix == ".mat" else read_npy)(path, name))


def check_size(path: Path, label: NDArray[Any], size: tuple[int, ...]) -> None:
    """Reject a label whose size differs from that of its image.

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
