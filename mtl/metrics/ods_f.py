"""odsF: F-measure of boundaries at the best threshold of the whole data set.

Martin, Fowlkes and Malik, Learning to Detect Natural Image Boundaries, TPAMI 2004.
https://doi.org/10.1109/TPAMI.2004.1273918; protocol of Pont-Tuset and Marques, Supervised Evaluation of Image
Segmentation and Object Proposal Techniques, TPAMI 2016. https://doi.org/10.1109/TPAMI.2015.2481406.
"""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from mtl.metrics.base import TaskMetric
from mtl.metrics.boundary import boundary_counts


class OdsF(TaskMetric):
    """Pairs predicted and true boundary pixels one to one within a tolerance, at every threshold.

    With the counts of matched and present pixels summed over all images, per threshold t,

        P(t) = matched predicted / predicted,   R(t) = matched true / true
        odsF = 100 max_t 2 P(t) R(t) / (P(t) + R(t))

    Nothing predicted is P = 1 and R = 0, no true boundary is P = 0 and R = 1: both give F = 0. A logit is scored
    as the 8-bit image the protocol stores, floor(255 sigmoid(logit)) / 255. Papers differ in suppression, thresholds
    and tolerance, and their numbers do not compare: `preset` names the set that a number belongs to.

    Deviations from the paper: the pairing has the largest possible number of pairs; the published programs pair
    at random up to 4 pixels fewer in some images. The best threshold is one of the grid, without interpolation.
    """

    primary = "ods_f"
    higher_is_better = True
    counts: Tensor

    def __init__(
        self,
        *,
        preset: str,
        thresholds: int,
        ends: Sequence[float],
        strict: bool,
        nms: bool | int,
        taper: int,
        max_distance: float,
    ):
        """Fix the protocol.

        Args:
            preset: Name of the protocol.
            thresholds: How many evenly spaced thresholds k / (thresholds + 1), k = 1 .. thresholds.
            ends: Thresholds besides the even ones.
            strict: Whether a pixel has to exceed the threshold; otherwise reaching it is enough.
            nms: Radius of the non-maximum suppression in pixels (true is 1), false for none.
            taper: Rim that the suppression fades to 0, in pixels.
            max_distance: Largest distance of a pair, as a fraction of the image diagonal.

        Raises:
            ValueError: If a number is outside its range, or a taper is given without suppression.
        """
        super().__init__()
        grid = {step / (thresholds + 1) for step in range(1, thresholds + 1)} | {float(end) for end in ends}
        if not grid or min(grid) < 0 or max(grid) > 1:
            raise ValueError(f"thresholds={thresholds} with ends={list(ends)} must give numbers in [0, 1]")
        if max_distance < 0:
            raise ValueError(f"max_distance={max_distance} must be a fraction of the diagonal, at least 0")
        if taper and not nms:
            raise ValueError(f"taper={taper} fades the suppression, but nms={nms}; set taper=0 or nms=true")
        self.preset = preset
        self.thresholds = np.array(sorted(grid))
        self.protocol = {"strict": strict, "nms": nms, "taper": taper, "max_distance": max_distance}
        counts = torch.zeros(4, len(grid), dtype=torch.int64)
        self.add_state("counts", counts, dist_reduce_fx="sum")

    def update(self, prediction: Tensor, boundary: Tensor) -> None:
        """Add the counts of a batch.

        Args:
            prediction: Logits. Shape [B, 1, H, W].
            boundary: True boundary, lines one pixel thin, bool; without padding. Shape [B, 1, H, W].

        Raises:
            ValueError: If the shapes differ, a logit is not a number or the boundary is not a thin bool map.
        """
        if prediction.ndim != 4 or prediction.shape[1] != 1 or prediction.shape != boundary.shape:
            raise ValueError(
                f"prediction is {list(prediction.shape)} and boundary {list(boundary.shape)}; both must be [B, 1, H, W]"
            )
        if prediction.isnan().any():
            raise ValueError(f"prediction has {int(prediction.isnan().sum())} NaN logits; check the model's output")
        quantised = (prediction.detach().float().sigmoid() * 255).to(torch.uint8)[:, 0].cpu().numpy()
        truth = boundary[:, 0].cpu().numpy()
        for probability, true in zip(quantised, truth, strict=True):
            counts = boundary_counts(probability, true, thresholds=self.thresholds, **self.protocol)
            self.counts += torch.from_numpy(counts).to(self.counts.device)

    def compute(self) -> dict[str, float]:
        """Return odsF in percent."""
        return {"ods_f": 100 * float(f_measure(self.counts.cpu()).max())}


def f_measure(counts: Tensor) -> Tensor:
    """F-measure per threshold from summed counts, 0 where nothing is predicted or true. Shape [4, K] to [K].

    Args:
        counts: Matched predicted, predicted, matched true and true pixels. Shape [4, K].
    """
    matched_predicted, predicted, matched_true, true = counts.double()
    precision = torch.where(predicted > 0, matched_predicted / predicted, 1.0)
    recall = torch.where(true > 0, matched_true / true, 1.0)
    # P = 0 where no pixel is true, R = 0 where none is predicted: either makes F = 0, as does P = R = 0
    return torch.where(matched_true > 0, 2 * precision * recall / (precision + recall), 0.0)
