"""Edges: thin lines between the objects in an image."""

from dataclasses import dataclass
from functools import reduce
from typing import TYPE_CHECKING, Any, ClassVar

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

    def untrained(self, grey: NDArray[np.floating], rng: np.random.Generator) -> dict[str, NDArray[np.float64]]:
        """Noise, and the gradient of the brightness by a Sobel filter, of the image and of the blurred image.

        Each is divided by its maximum; noise and blurred image are smoothed by a Gaussian, of standard deviation 1 and
        2 pixels. Logits, shape [1, H, W] each.
        """
        maps = {
            "noise": blurred(rng.random(grey.shape), 1),
            "Sobel": gradient(grey),
            "Sobel after a blur": gradient(blurred(grey, 2)),
        }
        return {name: likely(values) for name, values in maps.items()}

    def nearly_true(self, truth: NDArray[Any]) -> dict[str, NDArray[np.float64]]:
        """The true lines, blurred by a Gaussian of standard deviation 1 pixel. Logits, shape [1, H, W].

        Args:
            truth: Lines (bool) or regions (integers) of each annotator, of whom the first counts. Shape [A, H, W].
        """
        lines = truth[0] if truth.dtype == bool else between(truth[0])
        return {"truth blurred by a pixel": likely(blurred(lines.astype(np.float64), 1))}

    def natural(self, prediction: "Tensor") -> "Tensor":
        """Probability of a line. Shape [H, W]."""
        return prediction[0].sigmoid()


def blurred(values: NDArray[np.floating], deviation: float) -> NDArray[np.float64]:
    """Smoothed by a Gaussian, with the border repeated. Shapes [H, W].

    Args:
        values: The map.
        deviation: Standard deviation in pixels.
    """
    reach = int(4 * deviation)
    weights = np.exp(-(np.arange(-reach, reach + 1) ** 2) / (2 * deviation**2))
    weights /= weights.sum()
    wide = np.pad(values, reach, mode="edge")
    wide = reduce(np.add, (weight * wide[:, k : k + values.shape[1]] for k, weight in enumerate(weights)))
    return reduce(np.add, (weight * wide[k : k + values.shape[0]] for k, weight in enumerate(weights)))


def gradient(values: NDArray[np.floating]) -> NDArray[np.float64]:
    """Length of the gradient by Sobel filters, with the border repeated. Shapes [H, W]."""
    wide = np.pad(values.astype(np.float64), 1, mode="edge")
    rows = wide[:-2] + 2 * wide[1:-1] + wide[2:]  # [H, W + 2]
    columns = wide[:, :-2] + 2 * wide[:, 1:-1] + wide[:, 2:]  # [H + 2, W]
    return np.hypot(rows[:, 2:] - rows[:, :-2], columns[2:] - columns[:-2])


def between(regions: NDArray[np.integer]) -> NDArray[np.bool_]:
    """Whether the left or the upper neighbour is of another region. Shapes [H, W]."""
    lines = np.zeros(regions.shape, bool)
    lines[:, 1:] |= regions[:, 1:] != regions[:, :-1]
    lines[1:] |= regions[1:] != regions[:-1]
    return lines


def likely(values: NDArray[np.floating]) -> NDArray[np.float64]:
    """Logits of non-negative values as shares of their maximum. Shapes [H, W] to [1, H, W]."""
    return logit(values / max(values.max(), 1e-12))[None]
