"""Edges: thin lines between the objects in an image."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import NDArray

from mtl.tasks.base import Label, Notation
from mtl.tasks.families import Probability
from mtl.tasks.families.probability import BYTES, binary, logit, probability

if TYPE_CHECKING:
    from torch import Tensor

    from mtl.data.stored import Stored


class Boundary(Label):
    """Ground truth of edges in evaluation samples: thin lines, bool, or the regions of a partition, int16."""

    name = "boundary"
    fill = 0


@dataclass(frozen=True)
class Edge(Probability):
    """1 on lines, 0 elsewhere, 255 where invalid. Shape [1, H, W]."""

    name = "edge"
    predicted = 1
    colour = "#D55E00"
    place = 6
    notations: ClassVar = {
        "ods_f": Notation("odsF", "%", 2, higher_is_better=True),
        "ois_f": Notation("oisF", "%", 2, higher_is_better=True),
        "ap": Notation("AP", "%", 2, higher_is_better=True),
    }
    folders = ("edge/img",)  # of SAK

    def read_label(self, stored: "Stored") -> NDArray[np.uint8]:
        """0 or 1. Shape [1, H, W].

        Raises:
            DamagedFileError: The file holds something else; see `binary`.
        """
        return binary(stored).astype(np.uint8)[None]

    def read_prediction(self, stored: "Stored", size: tuple[int, int]) -> NDArray[np.float64]:
        """Logits. Shape [1, H, W].

        Raises:
            DamagedFileError: The file does not hold probabilities; see `probability`.
        """
        levels = np.floor(BYTES * probability(stored, size) + 1e-3)
        return logit((levels + 0.5) / BYTES)  # the metric rounds down to a level

    def natural(self, prediction: "Tensor") -> "Tensor":
        """Probability of a line. Shape [H, W]."""
        return prediction[0].sigmoid()
