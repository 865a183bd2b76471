"""Depth in metres."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mtl.data.stored.errors import DamagedFileError
from mtl.data.stored.file import Stored

FARTHEST = 1000.0  # metres; depth beyond it is in another unit


@dataclass(frozen=True)
class Depth:
    """Distance from the camera plane, stored as real numbers or as whole numbers of a unit.

    Args:
        unit: Metres that a stored number 1 stands for; None: real numbers are metres, and whole numbers are refused.
        void: Stored number of pixels without depth, besides 0; None: there is none.
    """

    unit: float | None = None
    void: int | None = None

    def label(self, stored: Stored) -> NDArray[np.float32]:
        """Metres, 0 for pixels without depth. Shape [1, H, W].

        Raises:
            DamagedFileError: The file is no map of metres, or of whole numbers where a unit is given.
        """
        grey = stored.map()
        if not (grey.dtype.kind == "f" if self.unit is None else grey.dtype == np.uint16):
            raise stored.refusal("real numbers, in metres" if self.unit is None else f"16-bit, in {self.unit:g} m")
        metres = np.where(grey == self.void, 0, grey) * (self.unit or 1)
        if metres.min() < 0:
            raise DamagedFileError(f"{stored.path}: depth of {metres.min()} m")
        return self._plausible(stored, metres)[None]

    def prediction(self, stored: Stored, size: tuple[int, int]) -> NDArray[np.float32]:
        """Metres. Shape [1, H, W].

        Taken are maps of real numbers, and with a unit of whole numbers; the unit applies to both.

        Raises:
            DamagedFileError: The file holds something else.
        """
        grey = stored.oriented(1, size)
        if grey is None or grey.dtype.kind == "b":
            raise stored.refusal("a map of metres")
        if grey.dtype.kind != "f":
            if self.unit is None:
                raise DamagedFileError(
                    f"{stored.path}: holds whole numbers ({grey.dtype}): say what they stand for, such as "
                    "depth_unit=0.001 (mm)"
                )
            if grey.min() < 0:
                raise stored.refusal("depth: it has negative whole numbers")
        return self._plausible(stored, grey.astype(np.float64) * (self.unit or 1))

    @staticmethod
    def _plausible(stored: Stored, metres: NDArray[np.floating]) -> NDArray[np.float32]:
        if metres.max() > FARTHEST:
            raise DamagedFileError(
                f"{stored.path}: depth reaches {metres.max():g} m: the numbers are of another unit; for predictions "
                "give depth_unit, such as 0.001 (mm)"
            )
        return metres.astype(np.float32)
