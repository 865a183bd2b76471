"""Maximal F-measure of a foreground probability."""

from typing import Literal, get_args

import torch
from torch import Tensor

from mtl.metrics.base import TaskMetric

THRESHOLDS = [k / 20 for k in range(1, 20)]  # 0.05, 0.10, ..., 0.95
BETA2 = 0.3  # weighs precision above recall
IGNORE = 255

Preset = Literal["plain", "invpt"]


class MaxF(TaskMetric):
    """The best F-measure that one threshold for the whole split can reach, in percent.

    F = (1 + b) P R / (b P + R),   b = 0.3

    at each of 19 thresholds (0.05 .. 0.95, foreground where softmax(z)_1 >= threshold), with precision P and
    recall R pooled over the valid pixels of the split. F is 0 where it is undefined.

    Args:
        preset: `plain`; or `invpt`, for comparison only: the code of InvPT puts a sigmoid on the probability before it
            is compared, so that four thresholds are left that tell pixels apart (at probabilities 0.20, 0.41, 0.62
            and 0.85). Of two presets the numbers do not compare.
    """

    primary = "max_f"
    higher_is_better = True

    def __init__(self, preset: Preset = "plain") -> None:
        super().__init__()
        if preset not in get_args(Preset):
            raise ValueError(f"preset must be {' or '.join(get_args(Preset))}, got {preset!r}")
        self.preset = preset
        # A pixel's bin is the number of thresholds it passes: sums over bins give all thresholds at once.
        bins = torch.zeros(2, len(THRESHOLDS) + 1, dtype=torch.int64)  # background, foreground
        self.add_state("bins", bins, dist_reduce_fx="sum")

    def update(self, prediction: Tensor, target: Tensor) -> None:
        """Counts two logits [B, 2, H, W] against a mask [B, 1, H, W]."""
        label = target.squeeze(1).long()  # [B, H, W]
        valid = label != IGNORE
        probability = prediction.float().softmax(dim=1)[:, 1][valid]  # [N]
        if self.preset == "invpt":
            probability = probability.sigmoid()
        thresholds = torch.tensor(THRESHOLDS, device=probability.device)
        passed = torch.bucketize(probability, thresholds, right=True)  # [N]
        pairs = label[valid] * self.bins.shape[1] + passed
        self.bins += torch.bincount(pairs, minlength=self.bins.numel()).view_as(self.bins)

    def compute(self) -> dict[str, float]:
        """Key `max_f`, in percent."""
        if not self.bins.any():
            return {"max_f": float("nan")}
        bins = self.bins.double()
        false_alarms, hits = bins.flip(1).cumsum(dim=1).flip(1)[:, 1:]  # [19] each
        # (1 + b) P R / (b P + R) with P = hits / (hits + false_alarms) and R = hits / positives
        f = (1 + BETA2) * hits / (BETA2 * bins[1].sum() + hits + false_alarms).clamp(min=1)
        return {"max_f": 100 * f.max().item()}
