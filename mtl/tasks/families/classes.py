"""Labels with one class per pixel."""

import colorsys
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from mtl.tasks.base import GREY, IGNORE, Notation, TaskLabel, as_maps
from mtl.tasks.families.colours import class_numbers

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from torch import Tensor

    from mtl.data.stored import Stored

LISTED = 12  # largest number of classes in a legend
GOLDEN = 0.618034  # hue step in turns (golden ratio), so that the hues of the first n classes are spread out


@dataclass(frozen=True)
class Classes(TaskLabel):
    """Class of every pixel, starting at 0; 255 where unlabelled. Shape [1, H, W].

    Files hold integers or the colours of PASCAL VOC; predictions may also hold scores.

    Args:
        count: Number of classes K.
        first: Number of the first class in the label files. Predictions count from 0, except that predictions saved
            as colours use those of the label files.
        void: Number of unlabelled pixels in the label files.
    """

    count: int = 0
    first: int = 0
    void: int = IGNORE

    fill = IGNORE
    notations: ClassVar = {
        "miou": Notation("mIoU", "%", 2, higher_is_better=True),
        "pixel_accuracy": Notation("pixel accuracy", "%", 2, higher_is_better=True),
        "mean_accuracy": Notation("mean accuracy", "%", 2, higher_is_better=True),
    }

    def described(self, *, channels: int, first: int, **_: Any) -> Self:
        """The label with its number of classes and the number of the first."""
        return replace(self, count=channels, first=first)

    def constant(self, labels: Iterable[NDArray[Any]], channels: int) -> NDArray[np.float64]:
        """Scores in favour of the most frequent class. Shape [K]."""
        counts = sum(np.bincount(label[self.valid(label)], minlength=channels) for label in labels)
        return np.eye(channels)[np.argmax(counts)]

    def natural(self, prediction: "Tensor") -> "Tensor":
        """Most likely class of every pixel. Shape [H, W], uint8."""
        return prediction.argmax(dim=0).byte()

    def kpi(self, predictions: "Tensor", labels: "Tensor") -> tuple["Tensor", "Tensor"]:
        """Pixel accuracy: right pixels and labelled pixels."""
        labelled = self.valid(labels)
        return ((predictions.argmax(1, keepdim=True) == labels) & labelled).sum(), labelled.sum()

    def draw(self, axes: "Axes", values: NDArray[Any], names: Sequence[str] = (), key: bool = True) -> None:
        """One colour per class, with a legend of the largest classes as key; see `TaskLabel.draw`."""
        maps = as_maps(values)
        classes, labelled = maps[0], self.valid(maps)[0]
        shares = np.bincount(classes[labelled], minlength=len(names)) / classes.size
        colours = np.array([*palette(len(shares)), GREY])
        axes.imshow(colours[np.where(labelled, classes, len(shares))], interpolation="nearest")
        if not key:
            return
        from matplotlib.patches import Patch  # noqa: PLC0415  slow to import, and only needed for drawing

        largest = [k for k in np.argsort(-shares, kind="stable") if shares[k] > 0.005][:LISTED]
        named = [f"{names[k] if k < len(names) else f'class {k}'} {shares[k]:.0%}".replace("_", " ") for k in largest]
        axes.legend(
            [Patch(color=colours[k].tolist()) for k in largest],
            named,
            loc="upper left",
            bbox_to_anchor=(1.01, 1),
            borderaxespad=0,
            frameon=False,
            fontsize=8,
        )

    def read_label(self, stored: "Stored") -> NDArray[np.uint8]:
        """Classes starting at 0, and 255 for unlabelled pixels. Shape [1, H, W].

        Raises:
            DamagedFileError: The file is not a map of bytes, or contains an unknown class.
        """
        if stored.numbers.ndim != 2 or stored.numbers.dtype != np.uint8:
            raise stored.refusal("a map of uint8")
        numbers, _ = class_numbers(stored, self.first + self.count)
        last = self.first + self.count - 1
        span = f"0 (unlabelled) to {last}" if self.void == 0 else f"{self.first} to {last} and {self.void}"
        check_classes(stored, numbers, {*range(self.first, last + 1), self.void}, span)
        return np.where(numbers == self.void, IGNORE, numbers.astype(np.int64) - self.first).astype(np.uint8)[None]

    def read_prediction(self, stored: "Stored", size: tuple[int, int]) -> NDArray[np.generic]:
        """Scores of the classes, or a one-hot map. Shape [K, H, W].

        Accepts float scores [K, H, W] or [H, W, K], and class maps starting at 0: integers of any type, palette
        indices or grey values of an image, or colours of PASCAL VOC.

        Raises:
            DamagedFileError: The file holds something else.
        """
        if stored.numbers.dtype.kind == "f" and (scores := stored.oriented(self.count, size)) is not None:
            return scores.astype(np.float32 if scores.dtype.itemsize <= 4 else np.float64)
        numbers, coloured = class_numbers(stored, self.first + self.count)
        if numbers.ndim != 2 or numbers.dtype.kind == "b" or numbers.min() < 0 or np.mod(numbers, 1).any():
            raise stored.refusal(f"classes from 0 to {self.count - 1}, or scores of {self.count} classes")
        start = self.first if coloured else 0
        classes = np.arange(start, start + self.count)  # numbers of the classes in this file, [K]
        known = {int(number) for number in classes}
        check_classes(stored, numbers, known, f"{start} to {start + self.count - 1}")
        return (classes[:, None, None] == numbers).astype(np.uint8)


def palette(count: int) -> NDArray[np.float64]:
    """One colour per class, independent of the count. Shape [count, 3], 0 to 1."""
    tones = ((0.55, 0.95), (0.85, 0.75), (0.45, 0.65))  # saturation and brightness
    return np.array([colorsys.hsv_to_rgb(k * GOLDEN % 1, *tones[k % len(tones)]) for k in range(count)])


def check_classes(stored: "Stored", labels: NDArray[np.generic], allowed: Collection[int], meaning: str) -> None:
    """Reject labels that are not allowed.

    Args:
        stored: File of the labels.
        labels: Non-negative integers. Shape [H, W].
        allowed: Allowed labels.
        meaning: Description of the allowed labels, for the message.

    Raises:
        DamagedFileError: A label is not allowed.
    """
    few = labels.dtype.kind in "ui" and labels.max(initial=0) <= np.iinfo(np.uint16).max and labels.min(initial=0) >= 0
    present = np.flatnonzero(np.bincount(labels.ravel().astype(np.int64))) if few else np.unique(labels)
    wrong = [label for label in present if label not in allowed]
    if wrong:
        row, column = np.argwhere(labels == wrong[0])[0]
        raise stored.damaged(f"label {wrong[0]} at row {row}, column {column}, but labels are {meaning}")
