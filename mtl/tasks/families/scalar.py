"""Labels with one number per pixel."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from mtl.tasks.base import GREY, TaskLabel, as_maps

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from torch import Tensor

    from mtl.data.stored import Stored

CLOSE = 1.25  # factor between a prediction and its label, as in papers on depth
BAR = (1.03, 0, 0.04, 1)  # colour bar to the right of the image, of equal height; in fractions of the image's sides


class Scalar(TaskLabel):
    """One number per pixel, drawn with a colour map."""

    colours: ClassVar[str] = "gray"  # matplotlib colour map
    span: ClassVar[tuple[float | None, float | None]] = (None, None)  # range of the colour map; None: of the values
    bar: ClassVar[str]  # label of the colour bar

    def constant(self, labels: Iterable[NDArray[Any]], channels: int) -> NDArray[np.float64]:
        """Mean over all valid pixels. Shape [1]."""
        known = [label[self.valid(label)] for label in labels]
        return np.array([sum(values.sum(dtype=np.float64) for values in known) / sum(map(len, known))])

    def draw(self, axes: "Axes", values: NDArray[Any], names: Sequence[str] = (), key: bool = True) -> None:
        """Draw a label or a prediction; see `TaskLabel.draw`."""
        from matplotlib import colormaps  # noqa: PLC0415  slow to import, and only needed for drawing

        maps = as_maps(values)
        shown = axes.imshow(
            np.ma.masked_where(~self.valid(maps)[0], maps[0].astype(np.float32)),
            cmap=colormaps[self.colours].with_extremes(bad=GREY),
            vmin=self.span[0],
            vmax=self.span[1],
            interpolation="nearest",
        )
        if key:
            axes.figure.colorbar(shown, cax=axes.inset_axes(BAR), label=self.bar)


@dataclass(frozen=True)
class Measure(Scalar):
    """A non-negative quantity, stored as floats."""

    unit: ClassVar[str]  # for messages and colour bars; empty if it has none
    predicted = 1
    largest: ClassVar[float]  # larger values mean that the file holds something else

    def read_label(self, stored: "Stored") -> NDArray[np.float32]:
        """The quantity, the fill value where it is missing. Shape [1, H, W].

        Raises:
            DamagedFileError: The file does not hold such a map.
        """
        quantity = self._plausible(stored, stored.map())
        if ((quantity < 0) & (quantity != self.fill)).any():
            raise stored.refusal(f"{self.name}, which has no negative values; {self.fill:g} marks invalid pixels")
        return quantity[None]

    def read_prediction(self, stored: "Stored", size: tuple[int, int]) -> NDArray[np.float32]:
        """The quantity, possibly negative if the network predicted so. Shape [1, H, W].

        Raises:
            DamagedFileError: The file does not hold such a map.
        """
        return self._plausible(stored, stored.oriented(1, size))

    def natural(self, prediction: "Tensor") -> "Tensor":
        """The quantity, 0 where the network predicts a negative one. Shape [H, W]."""
        return prediction[0].clamp(min=0)

    def kpi(self, predictions: "Tensor", labels: "Tensor") -> tuple["Tensor", "Tensor"]:
        """Pixels whose prediction p and label g differ by a factor below 1.25 (max(p/g, g/p)), and labelled pixels."""
        known = self.valid(labels)
        close = (predictions < CLOSE * labels) & (labels < CLOSE * predictions)
        return (close & known).sum(), known.sum()

    def _plausible(self, stored: "Stored", grey: NDArray[Any] | None) -> NDArray[np.float32]:
        if grey is None or grey.dtype.kind != "f" or grey.max() > self.largest:
            raise stored.refusal(f"{self.name} as floats up to {self.largest:g} {self.unit}".rstrip())
        return grey.astype(np.float32)
