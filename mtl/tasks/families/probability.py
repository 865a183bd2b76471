"""Labels of 0 or 1 per pixel, predicted as a probability."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mtl.tasks.base import IGNORE
from mtl.tasks.families.scalar import Scalar

if TYPE_CHECKING:
    from torch import Tensor

    from mtl.data.stored import Stored

BYTES = 255
SURE = 50.0  # logit of a probability of one


class Probability(Scalar):
    """0 or 1, 255 where invalid. Shape [1, H, W]."""

    fill = IGNORE
    span = (0, 1)
    bar = "probability"

    def constant(self, labels: Iterable[NDArray[Any]], channels: int) -> NDArray[np.float64]:
        """Logit of the share of ones, or logits of zero and one. Shape [1] or [2]."""
        return np.concatenate([np.zeros(channels - 1), logit(super().constant(labels, channels))])

    def kpi(self, predictions: "Tensor", labels: "Tensor") -> tuple["Tensor", "Tensor"]:
        """F-measure of probabilities above 0.5: twice the hits, and the predicted and true ones together."""
        known = self.valid(labels)
        ones = (predictions[:, -1:] > predictions[:, :-1].sum(1, keepdim=True)) & known  # one logit or two
        truth = (labels == 1) & known
        return 2 * (ones & truth).sum(), ones.sum() + truth.sum()


def binary(stored: "Stored") -> NDArray[np.bool_]:
    """Mask of a binary label. Shape [H, W].

    Raises:
        DamagedFileError: The file is not a binary map: 0 and 255 in images, 0 and 1 in arrays.
    """
    grey = stored.map()
    one = BYTES if stored.path.suffix.lower() == ".png" else 1
    if not np.isin(grey, (0, one)).all():
        raise stored.refusal(f"a map of 0 and {one}")
    return grey > 0


def probability(stored: "Stored", size: tuple[int, int]) -> NDArray[np.float64]:
    """Probabilities of a prediction. Shape [1, H, W].

    Accepts bytes (255 times the probability), floats from 0 to 1, and booleans.

    Raises:
        DamagedFileError: The file holds something else, or only the bytes 0 and 1, which is a mask without scaling.
    """
    grey = stored.oriented(1, size)
    if grey is not None and grey.dtype == np.uint8 and (grey.min(), grey.max()) == (0, 1):
        raise stored.damaged(
            "holds only the bytes 0 and 1, but bytes are 255 times the probability; save 0 and 255, or floats"
        )
    kind = "" if grey is None else grey.dtype.kind
    fits = grey is not None and (
        kind == "b" or (kind == "u" and grey.itemsize == 1) or (kind == "f" and grey.min() >= 0 and grey.max() <= 1)
    )
    if grey is None or not fits:
        raise stored.refusal("bytes, or probabilities from 0 to 1")
    return grey / (BYTES if kind == "u" else 1.0)


def logit(value: NDArray[np.float64]) -> NDArray[np.float64]:
    """Inverse of the sigmoid, limited to +-`SURE`."""
    with np.errstate(divide="ignore", invalid="ignore"):
        logits = np.where(value < 1, np.log(value / (1 - value)), SURE)
    return np.clip(logits, -SURE, SURE)
