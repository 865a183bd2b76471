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

    Proportional to the disparity of a stereo camera, whose factor is focal length times baseline. Errors weigh most on
    near surfaces. A zoom by 2 doubles the disparity.
    """

    name = "disparity"
    fill = 0.0
    unit = "1/m"
    largest = 1000.0  # at a depth of 1 mm
    colour = "#332288"
    notations: ClassVar = {
        "rmse": Notation("RMSE", "1/m", 4, higher_is_better=False),
        "abs_rel": Notation("absRel", "", 4, higher_is_better=False),
        "delta_1": Notation("δ1", "%", 2, higher_is_better=True),
    }
    colours = "viridis"  # near is bright
    bar = "1/m"

    def zoomed(self, label: "Tensor", factor: float) -> "Tensor":
        """Disparity times the zoom factor."""
        return label * factor
