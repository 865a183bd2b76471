"""Reshading: brightness of the scene if everything were white and lit from the camera."""

from dataclasses import dataclass
from typing import ClassVar

from mtl.tasks.base import Notation
from mtl.tasks.families import Measure


@dataclass(frozen=True)
class Reshading(Measure):
    """Brightness from 0 (dark) to 1, independent of colours and lamps, -1 where invalid. Shape [1, H, W].

    0 (black) is a valid label, so invalid pixels have a negative value.
    """

    name = "reshading"
    fill = -1.0
    unit = ""
    largest = 10.0  # networks may predict more than 1; bytes reach 255
    colour = "#999933"
    notations: ClassVar = {"rmse": Notation("RMSE", "", 4, higher_is_better=False)}
    span = (0, 1)
    bar = "brightness"
