"""Depth: distance along the optical axis, in metres."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from mtl.tasks.base import Noise, Notation
from mtl.tasks.families import Measure

if TYPE_CHECKING:
    from torch import Tensor

    from mtl.data.stored import Stored

NEAREST = 1e-3  # metres; lower limit of depth with noise, so that it stays valid


@dataclass(frozen=True)
class Depth(Measure):
    """Distance along the optical axis in metres, 0 where invalid. Shape [1, H, W].

    Geometric transforms use the nearest pixel: averaging two depths across the border of an object gives the depth of
    a surface that does not exist. A zoom by 2 halves the depth.

    Args:
        scale: Metres per stored unit; None: floats are metres, and integers are rejected.
        void: Stored value of pixels without depth, in addition to 0; None: there is none.

    Example:
        >>> Depth().zoomed(np.array([[[3.0, 0.0]]]), 1.5)  # metres; 0 stays invalid
        array([[[2., 0.]]])
    """

    scale: float | None = None
    void: int | None = None

    name = "depth"
    fill = 0.0
    unit = "m"
    largest = 1000.0
    colour = "#CC79A7"
    place = 3
    notations: ClassVar = {
        "rmse": Notation("RMSE", "m", 4, higher_is_better=False),
        "abs_rel": Notation("absRel", "", 4, higher_is_better=False),
        "delta_1": Notation("δ1", "%", 2, higher_is_better=True),
    }
    colours = "viridis_r"  # near is bright
    bar = "metres"

    def zoomed(self, label: "Tensor", factor: float) -> "Tensor":
        """Depth divided by the zoom factor."""
        return label / factor

    def corrupt(self, label: NDArray[np.float32], rng: np.random.Generator, noise: Noise) -> NDArray[np.float32]:
        """Depth with Gaussian noise in every valid pixel. Shapes [1, H, W]."""
        error = np.float32(noise.deviations[self.name]) * rng.standard_normal(label.shape, np.float32)
        return np.where(self.valid(label), np.maximum(label + error, np.float32(NEAREST)), label)

    def described(self, *, depth_unit: float | None, **_: Any) -> Self:
        """The label with the unit of integer files."""
        return replace(self, scale=depth_unit)

    def read_label(self, stored: "Stored") -> NDArray[np.float32]:
        """Metres, 0 for pixels without depth. Shape [1, H, W].

        Raises:
            DamagedFileError: The file is not a map of metres, or of integers where a unit is given.
        """
        grey = stored.map()
        if not (grey.dtype.kind == "f" if self.scale is None else grey.dtype == np.uint16):
            raise stored.refusal("floats, in metres" if self.scale is None else f"16-bit, in {self.scale:g} m")
        metres = np.where(grey == self.void, 0, grey) * (self.scale or 1)
        if metres.min() < 0:
            raise stored.damaged(f"depth of {metres.min()} m is negative; use 0 for missing pixels")
        return self._near(stored, metres)[None]

    def read_prediction(self, stored: "Stored", size: tuple[int, int]) -> NDArray[np.float32]:
        """Metres. Shape [1, H, W].

        Accepts maps of floats, and maps of integers if a unit is given; the unit applies to both.

        Raises:
            DamagedFileError: The file holds something else.
        """
        grey = stored.oriented(1, size)
        if grey is None or grey.dtype.kind == "b":
            raise stored.refusal("a map of metres")
        if grey.dtype.kind != "f":
            if self.scale is None:
                raise stored.damaged(f"holds integers ({grey.dtype}): give their unit, such as depth_unit=0.001 (mm)")
            if grey.min() < 0:
                raise stored.refusal("depth, which is never negative")
        return self._near(stored, grey.astype(np.float64) * (self.scale or 1))

    def _near(self, stored: "Stored", metres: NDArray[np.floating]) -> NDArray[np.float32]:
        if metres.max() > self.largest:
            raise stored.damaged(
                f"depth reaches {metres.max():g} m, so the unit is not metres; for predictions give depth_unit, "
                "such as 0.001 (mm)"
            )
        return metres.astype(np.float32)
