"""Reshading: how bright the scene would be under a light at the camera if everything were white."""

from dataclasses import dataclass
from typing import ClassVar

from mtl.tasks.base import Notation
from mtl.tasks.families import Measure


@dataclass(frozen=True)
class Reshading(Measure):
    """Brightness from 0 (dark) to 1 under a fixed light, whatever the colours and lamps; -1 where invalid. [1, H, W].

    Black is a valid label, so an invalid pixel holds a number that no brightness has.
    """

    name = "reshading"
    fill = -1.0
    unit = ""
    largest = 10.0  # networks predict more than 1 as well; bytes reach 255
    colour = "#999933"
    notations: ClassVar = {"rmse": Notation("RMSE", "", 4, higher_is_better=False)}
    span = (0, 1)
    bar = "brightness"
