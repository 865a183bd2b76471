"""Cross-entropy over classes, unweighted, and balanced between two classes."""

import torch
import torch.nn.functional as F
from torch import Tensor

from mtl.losses.base import Loss, full_precision, sum_over_processes


class CrossEntropy(Loss):
    """Cross-entropy over valid pixels, unweighted.

    sum over valid pixels of -log softmax(z)_y, with z the logits and y the class.

    Example:
        >>> import torch
        >>> target = torch.tensor([[[[1, 255]]]])  # one labelled and one invalid pixel
        >>> CrossEntropy()(torch.zeros(1, 2, 1, 2), target)
        (tensor(0.6931), tensor(1))
    """

    def forward(self, prediction: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
        """Loss of logits [B, K, H, W] against class numbers [B, 1, H, W]."""
        labels = target.squeeze(1).long()  # [B, H, W]
        total = F.cross_entropy(full_precision(prediction), labels, ignore_index=int(self.fill), reduction=_reduction())
        return total.sum(), self.valid(target).sum()


class BalancedCrossEntropy(Loss):
    """Two-class cross-entropy in which foreground and background have equal total weight in the batch.

    With rho the fraction of background among the valid pixels of the whole batch (over all processes),

        sum over valid pixels of w_y * -log softmax(z)_y,   w_1 = rho, w_0 = 1 - rho

    The count is the number of pixels, not the sum of the weights.
    """

    def forward(self, prediction: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
        """Loss of two logits [B, 2, H, W] against a mask [B, 1, H, W]."""
        prediction = full_precision(prediction)
        labels = target.squeeze(1).long()  # [B, H, W]
        counts = torch.stack([(labels == 0).sum(), (labels == 1).sum()])
        negatives, positives = sum_over_processes(counts).to(prediction.dtype)
        rho = negatives / (negatives + positives).clamp(min=1)
        weight = torch.stack([1 - rho, rho])
        total = F.cross_entropy(prediction, labels, weight, ignore_index=int(self.fill), reduction=_reduction())
        return total.sum(), counts.sum()


def _reduction() -> str:
    """`sum`, whose GPU kernel adds in random order, or `none` if kernels must be deterministic."""
    return "none" if torch.are_deterministic_algorithms_enabled() else "sum"
