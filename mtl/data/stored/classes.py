"""Class of every pixel: semantic segmentation and human parts."""

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mtl.data.stored.colours import class_numbers
from mtl.data.stored.errors import DamagedFileError
from mtl.data.stored.file import Stored

VOID = 255  # label of a pixel without a class


@dataclass(frozen=True)
class Classes:
    """Class maps, stored as whole numbers or in the colours of PASCAL VOC; predictions also as scores.

    Args:
        count: Number of classes K.
        first: Number that the label files give to the first class. Predictions count from 0, but those drawn in
            colours have the colours of the label files.
        void: Number that the label files give to pixels without a class.
    """

    count: int
    first: int = 0
    void: int = VOID

    def label(self, stored: Stored) -> NDArray[np.uint8]:
        """Classes from 0, and 255 for pixels without one. Shape [1, H, W].

        Raises:
            DamagedFileError: The file is no map of bytes, or has another number.
        """
        if stored.numbers.ndim != 2 or stored.numbers.dtype != np.uint8:
            raise stored.refusal("a map of uint8")
        numbers, _ = class_numbers(stored, self.first + self.count)
        last = self.first + self.count - 1
        span = f"0 (unlabelled) to {last}" if self.void == 0 else f"{self.first} to {last} and {self.void}"
        check_classes(stored.path, numbers, {*range(self.first, last + 1), self.void}, span)
        return np.where(numbers == self.void, VOID, numbers.astype(np.int64) - self.first).astype(np.uint8)[None]

    def prediction(self, stored: Stored, size: tuple[int, int]) -> NDArray[np.generic]:
        """Scores of the classes, or 1 for the class and 0 for the others. Shape [K, H, W].

        Taken are real scores [K, H, W] or [H, W, K], and maps of classes from 0: whole numbers of any type, indices
        or grey values of an image, colours of PASCAL VOC.

        Raises:
            DamagedFileError: The file holds something else.
        """
        if stored.numbers.dtype.kind == "f" and (scores := stored.oriented(self.count, size)) is not None:
            return scores.astype(np.float32 if scores.dtype.itemsize <= 4 else np.float64)
        numbers, coloured = class_numbers(stored, self.first + self.count)
        if numbers.ndim != 2 or numbers.dtype.kind == "b" or numbers.min() < 0 or (numbers % 1).any():
            raise stored.refusal(f"classes from 0 to {self.count - 1}, or scores of {self.count} classes")
        start = self.first if coloured else 0
        classes = np.arange(start, start + self.count)  # numbers of the classes in this file, [K]
        known = {int(number) for number in classes}
        check_classes(stored.path, numbers, known, f"{start} to {start + self.count - 1}")
        return (classes[:, None, None] == numbers).astype(np.uint8)


def check_classes(path: Path, labels: NDArray[np.generic], allowed: Collection[int], meaning: str) -> None:
    """Refuse labels that are not among the allowed ones.

    Args:
        path: Their file.
        labels: Whole numbers from 0. Shape [H, W].
        allowed: Labels there can be.
        meaning: What they are, for the message.

    Raises:
        DamagedFileError: There is another label.
    """
    few = labels.dtype.kind in "ui" and labels.max(initial=0) <= np.iinfo(np.uint16).max and labels.min(initial=0) >= 0
    present = np.flatnonzero(np.bincount(labels.ravel())) if few else np.unique(labels)
    wrong = [label for label in present if label not in allowed]
    if wrong:
        row, column = np.argwhere(labels == wrong[0])[0]
        raise DamagedFileError(f"{path}: label {wrong[0]} at row {row}, column {column}, but labels are {meaning}")
