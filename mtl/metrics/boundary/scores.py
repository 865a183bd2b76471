"""Computes F-measures and average precision from counts.

Dollar and Zitnick, Fast Edge Detection Using Structured Forests, TPAMI 2015.
https://arxiv.org/abs/1406.5549 (the interpolated scores are those of its edge detection toolbox).
"""

import numpy as np
import torch
from torch import Tensor


def f_measure(counts: Tensor) -> Tensor:
    """F-measure per threshold from summed counts; 0 if no pixel is predicted or true. Shape [4, K] to [K].

    Args:
        counts: Matched predicted, predicted, matched true and true pixels. Shape [4, K].
    """
    matched_predicted, predicted, matched_true, true = counts.double()
    precision = torch.where(predicted > 0, matched_predicted / predicted, 1.0)
    recall = torch.where(true > 0, matched_true / true, 1.0)
    # P = 0 if no pixel is true, R = 0 if none is predicted; either gives F = 0, and so does P = R = 0
    return torch.where(matched_true > 0, 2 * precision * recall / (precision + recall), 0.0)


def interpolated_f(counts: Tensor) -> float:
    """Largest F-measure on straight lines in (R, P) between adjacent thresholds, with 100 points per line.

    Args:
        counts: Summed counts at ascending thresholds. Shape [4, K].
    """
    precision, recall = _rates(counts)
    share = np.linspace(0, 1, 100)
    precision, recall = (np.outer(rate[1:], share) + np.outer(rate[:-1], 1 - share) for rate in (precision, recall))
    sums = precision + recall  # [K - 1, 100]
    inner = np.where(sums > 0, 2 * precision * recall / np.where(sums > 0, sums, 1), 0)
    return max(float(f_measure(counts).max()), float(inner.max(initial=0)))


def average_precision(counts: Tensor) -> float:
    """Mean precision at the recalls 0, 0.01 .. 1, with 0 for recalls that the curve does not reach.

    As in the Berkeley benchmark:

    - the precision is 0 if nothing is predicted (it is 1 in `f_measure` and in seism);
    - of several thresholds with equal recall, the lowest counts;
    - the sum of the 101 terms is divided by 100.

    Args:
        counts: Summed counts at ascending thresholds. Shape [4, K].
    """
    precision, recall = _rates(counts)
    recall, lowest = np.unique(recall, return_index=True)
    if len(recall) < 2:
        return 0.0
    curve = np.interp(np.arange(101) / 100, recall, precision[lowest], left=0, right=0)
    return float(curve.sum() / 100)


def _rates(counts: Tensor) -> tuple[np.ndarray, np.ndarray]:
    """Precision and recall, 0 where the denominator is 0. Shapes [K]."""
    matched_predicted, predicted, matched_true, true = counts.double().numpy()
    return matched_predicted / np.maximum(predicted, 1), matched_true / np.maximum(true, 1)
