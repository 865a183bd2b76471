"""odsF: boundary F-measure at the best threshold for the whole data set, with oisF and AP.

Martin, Fowlkes and Malik, Learning to Detect Natural Image Boundaries, TPAMI 2004.
https://doi.org/10.1109/TPAMI.2004.1273918; protocol of Pont-Tuset and Marques, Supervised Evaluation of Image
Segmentation and Object Proposal Techniques, TPAMI 2016. https://doi.org/10.1109/TPAMI.2015.2481406.
"""

from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Annotated

import numpy as np
import torch
from annotated_types import Ge, Interval
from torch import Tensor

from mtl.metrics.base import TaskMetric
from mtl.metrics.boundary import Protocol, boundary_counts
from mtl.metrics.boundary.scores import average_precision, f_measure, interpolated_f
from mtl.metrics.boundary.truth import check_boundary

__all__ = ["OdsF", "boundary_counts", "f_measure"]

AHEAD = 8  # images that may wait, per thread
PARTITIONS = (torch.int16, torch.int32, torch.int64)  # not uint8, which may also hold lines


class OdsF(TaskMetric):
    """Boundary F-measure, from one-to-one matches of predicted and true pixels within a tolerance.

    With the counts of matched and present pixels summed over all images, at each threshold t,

        P(t) = matched predicted / predicted,   R(t) = matched true / true
        odsF = 100 max_t 2 P(t) R(t) / (P(t) + R(t))

    `ois_f` is the F-measure of the counts summed over images, each image at its own best threshold. `ap` is the average
    precision of the Berkeley benchmark (`average_precision`). In every protocol both use the same counts as odsF.

    With nothing predicted, P = 1 and R = 0; with no true boundary, P = 0 and R = 1. Both give F = 0. A logit is scored
    as in the 8-bit image that the protocol stores, floor(255 sigmoid(logit)) / 255. Papers differ in suppression,
    thresholds and tolerance, so their numbers are not comparable; `preset` names the protocol that a number belongs to.

    Deviations from the paper: the matching has the largest possible number of pairs. The published programs are
    randomised and find up to 4 pairs fewer in some images. With several annotators, the matching is the one of lowest
    cost; of equal costs, which the published programs leave to chance, a fixed rule takes one (`pair_costs`).
    """

    primary = "ods_f"
    higher_is_better = True
    counts: Tensor
    best_counts: Tensor
    scored: Tensor

    def __init__(
        self,
        *,
        protocol: Protocol,
        max_distance: Annotated[float, Interval(ge=0, le=1)],
        workers: Annotated[int, Ge(0)] = 0,
    ):
        """Set the protocol, the tolerance and the number of threads.

        Args:
            protocol: Scoring protocol.
            max_distance: Largest distance of a pair, as a fraction of the image diagonal.
            workers: Number of threads that score images while the network computes the next batch; with 0, `update`
                scores them itself. The values are the same.

        Raises:
            ValueError: The tolerance is not in [0, 1], or the number of workers or the image list is invalid.
        """
        super().__init__()
        if not 0 <= max_distance <= 1:
            raise ValueError(f"max_distance={max_distance} must be a fraction of the diagonal, from 0 to 1")
        self.protocol, self.preset, self.images = protocol, protocol.preset, protocol.images()
        if type(workers) is not int or workers < 0:
            raise ValueError(f"workers={workers}: use a whole number, 0 or above")
        self.max_distance, self.workers = max_distance, workers
        self._threads: ThreadPoolExecutor | None = None  # from the first image until all are scored
        self._pending: deque[Future[np.ndarray]] = deque()
        self.register_buffer("counts", torch.zeros(4, len(protocol.grid), dtype=torch.int64))
        self.register_buffer("best_counts", torch.zeros(4, dtype=torch.int64))  # each image at its own
        self.register_buffer("scored", torch.zeros((), dtype=torch.int64))  # number of images

    def judges(self, image: str) -> bool:
        """Whether the image is on the protocol's image list; always true without a list."""
        return self.images is None or image in self.images

    def update(self, prediction: Tensor, target: Tensor) -> None:
        """Add the counts of a batch.

        Args:
            prediction: Logits. Shape [B, 1, H, W].
            target: Ground truth of each of A annotators (almost always one), without padding: true lines one pixel
                wide, bool, or the regions of a partition, int16 or wider. Shape [B, A, H, W].

        Raises:
            ValueError: The shapes differ, a logit is NaN, or the truth is neither thin lines nor a partition.
        """
        self._check(prediction, target)
        quantised = (prediction.detach().float().sigmoid() * 255).to(torch.uint8)[:, 0].cpu().numpy()
        for probability, true in zip(quantised, target.cpu().numpy(), strict=True):
            if not self.workers:
                self._add(self._score(probability, true))
                continue
            self._threads = self._threads or ThreadPoolExecutor(self.workers, "odsF")
            self._pending.append(self._threads.submit(self._score, probability, true))
        while self._pending and (self._pending[0].done() or len(self._pending) > AHEAD * self.workers):
            self._add(self._pending.popleft().result())

    def values(self) -> dict[str, float]:
        """Keys `ods_f`, `ois_f` and `ap`, in percent.

        Raises:
            ValueError: Some images on the protocol's list were not scored.
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

    def _score(self, probability: np.ndarray, truth: np.ndarray) -> np.ndarray:
        return self.protocol.counts(probability, truth, max_distance=self.max_distance)

    def _add(self, result: np.ndarray) -> None:
        """Add the counts of one image to the sums."""
        counts = torch.from_numpy(result)
        own = counts[:, int(f_measure(counts).numpy().argmax())]  # ties go to the lowest threshold
        self.counts += counts.to(self.counts.device)
        self.best_counts += own.to(self.best_counts.device)
        self.scored += 1

    def _settle(self) -> None:
        """Wait for the images that are still being scored."""
        while self._pending:
            self._add(self._pending.popleft().result())
        self._dismiss()

    def _dismiss(self) -> None:
        """End the threads, and discard the images that are still being scored."""
        self._pending.clear()
        if self._threads:
            self._threads.shutdown(cancel_futures=True)
            self._threads = None

    def compute(self) -> dict[str, float]:
        """All values so far by key, over all processes; waits for the images that are still being scored."""
        self._settle()
        return super().compute()

    def reset(self) -> None:
        """Discard all images, including those still being scored."""
        self._dismiss()
        super().reset()
