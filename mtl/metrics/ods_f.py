"""odsF: F-measure of boundaries at the best threshold of the whole data set, with oisF and AP.

Martin, Fowlkes and Malik, Learning to Detect Natural Image Boundaries, TPAMI 2004.
https://doi.org/10.1109/TPAMI.2004.1273918; protocol of Pont-Tuset and Marques, Supervised Evaluation of Image
Segmentation and Object Proposal Techniques, TPAMI 2016. https://doi.org/10.1109/TPAMI.2015.2481406.
"""

from collections.abc import Iterable
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor

from mtl.metrics.base import TaskMetric
from mtl.metrics.boundary import Protocol, boundary_counts
from mtl.metrics.boundary.scores import average_precision, f_measure, interpolated_f
from mtl.metrics.boundary.truth import check_boundary
from mtl.metrics.boundary.workers import Workers

__all__ = ["OdsF", "boundary_counts", "f_measure"]

PARTITIONS = (torch.int16, torch.int32, torch.int64)  # not uint8: that may be lines as well


class OdsF(TaskMetric):
    """Pairs predicted and true boundary pixels one to one within a tolerance, at every threshold.

    With the counts of matched and present pixels summed over all images, per threshold t,

        P(t) = matched predicted / predicted,   R(t) = matched true / true
        odsF = 100 max_t 2 P(t) R(t) / (P(t) + R(t))

    `ois_f` is the F-measure of the counts summed over images, each image at its own best threshold. `ap` is the average
    precision of the Berkeley benchmark (`average_precision`). In every protocol they come from the same counts as odsF.

    Nothing predicted is P = 1 and R = 0, no true boundary is P = 0 and R = 1: both give F = 0. A logit is scored
    as the 8-bit image the protocol stores, floor(255 sigmoid(logit)) / 255. Papers differ in suppression, thresholds
    and tolerance, and their numbers do not compare: `preset` names the set that a number belongs to.

    Deviations from the paper: the pairing has the largest possible number of pairs; the published programs pair
    at random up to 4 pixels fewer in some images. With several annotators it is the cheapest pairing, exactly.
    """

    primary = "ods_f"
    higher_is_better = True
    counts: Tensor
    best_counts: Tensor
    scored: Tensor

    def __init__(self, *, protocol: Protocol, max_distance: float, workers: int = 0):
        """Fix the protocol.

        Args:
            protocol: How to score.
            max_distance: Largest distance of a pair, as a fraction of the image diagonal.
            workers: Processes that score images beside this one; 0 scores in this one. The numbers are the same.

        Raises:
            ValueError: The tolerance is no fraction, or the protocol's list of images is none.
        """
        super().__init__()
        if not 0 <= max_distance <= 1:
            raise ValueError(f"max_distance={max_distance} must be a fraction of the diagonal, from 0 to 1")
        self.protocol, self.preset, self.images = protocol, protocol.preset, protocol.images()
        self._workers = Workers(partial(protocol.counts, max_distance=max_distance), workers)
        self.add_state("counts", torch.zeros(4, len(protocol.grid), dtype=torch.int64), dist_reduce_fx="sum")
        self.add_state("best_counts", torch.zeros(4, dtype=torch.int64), dist_reduce_fx="sum")  # at own thresholds
        self.add_state("scored", torch.zeros((), dtype=torch.int64), dist_reduce_fx="sum")  # images

    def judges(self, image: str) -> bool:
        """Whether the image is on the protocol's list, if it has one."""
        return self.images is None or image in self.images

    def update(self, prediction: Tensor, truth: Tensor) -> None:
        """Add the counts of a batch.

        Args:
            prediction: Logits. Shape [B, 1, H, W].
            truth: Of each of A annotators, almost always one, and without padding: true lines one pixel thin, bool; or
                the regions of a partition, int16 or more. Shape [B, A, H, W].

        Raises:
            ValueError: If the shapes differ, a logit is not a number, or the truth is neither.
        """
        self._check(prediction, truth)
        quantised = (prediction.detach().float().sigmoid() * 255).to(torch.uint8)[:, 0].cpu().numpy()
        for probability, true in zip(quantised, truth.cpu().numpy(), strict=True):
            self._workers.submit(probability, true)
        self._add(self._workers.ready())

    def compute(self) -> dict[str, float]:
        """Keys `ods_f`, `ois_f` and `ap`, in percent.

        Raises:
            ValueError: Images of the protocol's list were not scored.
        """
        if self.images is not None and self.scored != len(self.images):
            raise ValueError(
                f"protocol.image_list={self.protocol.image_list} names {len(self.images)} images, but the split has "
                f"{int(self.scored)} of them: give the list that belongs to the split"
            )
        counts = self.counts.cpu()
        return {
            "ods_f": 100 * (interpolated_f(counts) if self.protocol.interpolate else float(f_measure(counts).max())),
            "ois_f": 100 * float(f_measure(self.best_counts.cpu()[:, None])),
            "ap": 100 * average_precision(counts),
        }

    def _check(self, prediction: Tensor, truth: Tensor) -> None:
        shapes = f"prediction is {list(prediction.shape)} and boundary {list(truth.shape)}"
        if prediction.ndim != 4 or truth.ndim != 4 or prediction.shape[1] != 1:
            raise ValueError(f"{shapes}; they must be [B, 1, H, W] and [B, A, H, W]")
        if (len(prediction), *prediction.shape[2:]) != (len(truth), *truth.shape[2:]):
            raise ValueError(f"{shapes}; both must have the same B, H and W")
        if prediction.isnan().any():
            raise ValueError(f"prediction has {int(prediction.isnan().sum())} NaN logits; check the model's output")
        if truth.dtype not in (torch.bool, *PARTITIONS):
            raise ValueError(f"boundary is {truth.dtype}; pass lines as bool, or a partition as int16 or more")
        if truth.dtype == torch.bool and not self.protocol.lines_as_partition:
            for lines in truth.flatten(0, 1).cpu().numpy():
                check_boundary(lines)

    def _add(self, results: Iterable[np.ndarray]) -> None:
        """Add the counts of single images to the sums."""
        for result in results:
            counts = torch.from_numpy(result)
            own = counts[:, int(f_measure(counts).numpy().argmax())]  # at the lowest of equally good thresholds
            self.counts += counts.to(self.counts.device)
            self.best_counts += own.to(self.best_counts.device)
            self.scored += 1

    def _settle(self) -> None:
        """Wait for the images that are still being scored."""
        self._add(self._workers.rest())

    # Whoever reads or adds up the sums gets them with the images that are on their way.

    def sync(self, *arguments: Any, **options: Any) -> None:
        """Wait for all images, then add up over processes; `compute` begins with it."""
        self._settle()
        super().sync(*arguments, **options)

    def forward(self, *arguments: Any) -> dict[str, float]:
        """Add a batch and return its own values."""
        self._settle()
        return super().forward(*arguments)

    @property
    def metric_state(self) -> dict[str, Tensor]:
        """The sums."""
        self._settle()
        return super().metric_state

    def reset(self) -> None:
        """Forget all images, also those still being scored."""
        self._workers.forget()
        super().reset()
