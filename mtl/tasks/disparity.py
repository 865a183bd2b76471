"""Disparity: inverse depth, in 1/m."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from mtl.tasks.base import Notation
from mtl.tasks.families import Measure

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Disparity(Measure):
    """Inverse of the depth along the optical axis in 1/m, 0 where invalid. Shape [1, H, W].

    A stereo camera measures it, up to the product of focal length and baseline. An error counts most where things are
    near. What looks twice as large is half as far and has twice the disparity.
    """

    name = "disparity"
    fill = 0.0
    unit = "1/m"
    largest = 1000.0  # of things at 1 mm
    colour = "#332288"
    notations: ClassVar = {"rmse": Notation("RMSE", "1/m", 4, higher_is_better=False)}
    colours = "viridis"  # near is bright
    bar = "1/m"

    def zoomed(self, label: "Tensor", factor: float) -> "Tensor":
        """Disparity times the factor."""
        return label * factor
