"""Saliency: the objects of an image that attract attention."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import NDArray

from mtl.tasks.base import Notation
from mtl.tasks.families import Probability
from mtl.tasks.families.probability import BYTES, logit, probability

if TYPE_CHECKING:
    from torch import Tensor

    from mtl.data.stored import Stored


@dataclass(frozen=True)
class Saliency(Probability):
    """1 on salient objects, 0 elsewhere, 255 where invalid. Shape [1, H, W]."""

    name = "saliency"
    predicted = 2
    colour = "#E69F00"
    place = 5
    notations: ClassVar = {
        "max_f": Notation("maxF", "%", 2, higher_is_better=True),
        "mae": Notation("MAE", "", 4, higher_is_better=False),
    }
    folders = ("sal",)

    def read_label(self, stored: "Stored") -> NDArray[np.uint8]:
        """1 where the stored byte is above half of 255. Shape [1, H, W].

        Raises:
            DamagedFileError: The file is not a map of bytes.
        """
        grey = stored.map()
        if grey.dtype != np.uint8:
            raise stored.refusal("a map of bytes")
        return (grey / BYTES > 0.5).astype(np.uint8)[None]

    def read_prediction(self, stored: "Stored", size: tuple[int, int]) -> NDArray[np.float64]:
        """Logits of background and foreground. Shape [2, H, W].

        Raises:
            DamagedFileError: The file does not hold probabilities; see `probability`.
        """
        logits = logit(probability(stored, size))  # in float64, so that the softmax restores the same probability
        return np.concatenate([np.zeros_like(logits), logits])

    def natural(self, prediction: "Tensor") -> "Tensor":
        """Probability of the foreground, the second of two classes. Shape [H, W]."""
        return prediction.softmax(dim=0)[1]
