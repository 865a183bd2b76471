"""Maximum F-measure and mean absolute error of a foreground probability."""

from typing import Literal, get_args

import torch
from torch import Tensor

from mtl.metrics.base import TaskMetric

THRESHOLDS = {  # by preset
    "plain": [k / 20 for k in range(1, 20)],  # 0.05, 0.10 .. 0.95
    "invpt": [k / 20 for k in range(1, 20)],
    "survey": [k / 20 for k in range(4, 19)],  # 0.20, 0.25 .. 0.90
}
BETA2 = 0.3  # for the pooled presets; weights precision more than recall

Preset = Literal["plain", "invpt", "survey"]


class MaxF(TaskMetric):
    """Maximum F-measure over thresholds, with one threshold for the whole split, in percent.

    F = (1 + b) P R / (b P + R), and 0 where it is undefined. The foreground probability is p = softmax(z)_1; the preset
    defines precision P and recall R. Values of different presets are not comparable.

    | preset | same as the meter of | thresholds | foreground | P and R | b |
    |---|---|---|---|---|---|
    | `plain` | SAK, ATRC | 0.05 .. 0.95 (19) | p >= threshold | pooled over the split | 0.3 |
    | `invpt` | InvPT, TaskPrompter | 0.05 .. 0.95 (19) | sigmoid(p) >= threshold | pooled over the split | 0.3 |
    | `survey` | the survey code, ASTMT | 0.20 .. 0.90 (15) | p > threshold | mean over images | 1 |

    Because of the second sigmoid of `invpt`, only four of its thresholds separate any pixels (at probabilities 0.20,
    0.41, 0.62 and 0.85). With `survey`, an image without foreground counts with P = R = 0; an image without a valid
    pixel is left out.

    `mae` is the mean of |p - label| over the valid pixels of the split, from 0 to 1, for every preset.

    Args:
        preset: `plain`, `invpt` or `survey`.
    """

    primary = "max_f"
    higher_is_better = True
    bins: Tensor
    rates: Tensor
    absolute_error: Tensor
    images: Tensor

    def __init__(self, preset: Preset = "plain") -> None:
        super().__init__()
        if preset not in get_args(Preset):
            raise ValueError(f"preset must be {', '.join(get_args(Preset))}, got {preset!r}")
        self.preset = preset
        self.thresholds = THRESHOLDS[preset]
        levels = len(THRESHOLDS[preset]) + 1
        # A pixel's bin is the number of thresholds it passes, so cumulative sums give the counts at all thresholds.
        bins = torch.zeros(2, levels, dtype=torch.int64)  # background, foreground
        rates = torch.zeros(2, levels - 1, dtype=torch.float64)  # precision and recall, summed over images
        self.register_buffer("bins", bins)
        self.register_buffer("rates", rates)
        self.register_buffer("absolute_error", torch.zeros((), dtype=torch.float64))
        self.register_buffer("images", torch.zeros((), dtype=torch.int64))  # with a valid pixel

    @torch.no_grad()
    def update(self, prediction: Tensor, target: Tensor) -> None:
        """Add logits [B, 2, H, W] and masks [B, 1, H, W]."""
        label = target.squeeze(1).long()  # [B, H, W]
        # Rounded to float32 only once, so that a probability stored as a byte gives the same byte again.
        probability = prediction.double().softmax(dim=1)[:, 1].float()  # [B, H, W]
        valid = self.valid(target)[:, 0]  # [B, H, W]
        self.absolute_error += (probability - label)[valid].abs().sum(dtype=torch.float64)
        if self.preset == "invpt":
            probability = probability.sigmoid()
        thresholds = torch.tensor(self.thresholds, device=probability.device)
        passed = torch.bucketize(probability, thresholds, right=self.preset != "survey")  # [B, H, W]
        for one, own, judged in zip(label, passed, valid, strict=True):
            pairs = one[judged] * self.bins.shape[1] + own[judged]
            bins = torch.bincount(pairs, minlength=self.bins.numel()).view_as(self.bins)
            hits, predicted, positives = _counts(bins)
            self.bins += bins
            self.rates += torch.stack([hits / predicted.clamp(min=1), hits / positives.clamp(min=1)])
            self.images += judged.any()

    def values(self) -> dict[str, float]:
        """Keys `max_f`, in percent, and `mae`, from 0 to 1."""
        if not self.images:
            return {"max_f": float("nan"), "mae": float("nan")}
        if self.preset == "survey":
            precision, recall = self.rates / self.images  # [K] each
            f = 2 * precision * recall / (precision + recall).clamp(min=1e-12)
        else:
            hits, predicted, positives = _counts(self.bins)  # P = hits / predicted, R = hits / positives
            f = (1 + BETA2) * hits / (BETA2 * positives + predicted).clamp(min=1)
        return {"max_f": 100 * f.max().item(), "mae": (self.absolute_error / self.bins.sum()).item()}


def _counts(bins: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Hits and predicted pixels per threshold, shapes [K], and the number of foreground pixels; all float64.

    Args:
        bins: Number of pixels by label and number of thresholds passed. Shape [2, K + 1].
    """
    false_alarms, hits = bins.double().flip(1).cumsum(dim=1).flip(1)[:, 1:]
    return hits, hits + false_alarms, bins[1].sum().double()
