import numpy as np
import pytest
import torch

from mtl.metrics.boundary.scores import average_precision, f_measure, interpolated_f


def counts(precision, recall, scale=1000):
    """Counts with these rates. Shape [4, K]."""
    hits = [round(scale * r) for r in recall]
    predicted = [round(h / p) if p else scale for h, p in zip(hits, precision, strict=True)]
    return torch.tensor([hits, predicted, hits, [scale] * len(hits)])


def test_f_by_hand_and_zero_where_nothing_is_predicted_or_true():
    table = torch.tensor([[30, 0, 0, 0], [60, 0, 5, 5], [20, 0, 0, 0], [80, 9, 0, 9]])
    assert f_measure(table).tolist() == [pytest.approx(2 * 0.5 * 0.25 / 0.75), 0, 0, 0]


def test_best_f_may_lie_between_two_thresholds():
    table = counts([0.4, 1.0], [1.0, 0.4])
    share = np.linspace(0, 1, 100)
    middle = (0.4 + 0.6 * share, 1 - 0.6 * share)
    expected = (2 * middle[0] * middle[1] / (middle[0] + middle[1])).max()
    assert interpolated_f(table) == pytest.approx(expected)
    assert interpolated_f(table) > float(f_measure(table).max()) + 0.1


def test_one_threshold_is_not_interpolated():
    table = counts([0.5], [0.8])
    assert interpolated_f(table) == float(f_measure(table)[0])
    assert average_precision(table) == 0


def test_average_precision_by_hand():
    # a straight line from (R, P) = (1, 0.5) to (0.5, 1): precision 1 at recall 0.50, falling by 0.01 a step
    table = counts([0.5, 1.0], [1.0, 0.5])
    assert average_precision(table) == pytest.approx(sum(1 - 0.01 * step for step in range(51)) / 100)


def test_of_equal_recalls_the_lowest_threshold_counts():
    table = counts([0.5, 0.25, 1.0], [1.0, 0.5, 0.5])
    assert average_precision(table) == pytest.approx(sum(0.25 + 0.005 * step for step in range(51)) / 100)


def test_perfect_map_has_an_average_precision_of_101_percent():
    table = counts([1.0, 1.0, 0.0], [1.0, 0.5, 0.0])
    table[1, 2] = 0  # nothing predicted: precision 0
    low = sum(step / 50 for step in range(50))
    assert average_precision(table) == pytest.approx((low + 51) / 100)


def test_nothing_predicted_anywhere_is_zero():
    table = torch.tensor([[0, 0], [0, 0], [0, 0], [9, 9]])
    assert interpolated_f(table) == average_precision(table) == 0
