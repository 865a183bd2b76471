from math import isnan, nan

import numpy as np
import pytest
from scipy.stats import rankdata

from mtl.delta_m import delta_m, mean_rank, task_gain


def test_gain_by_hand():
    assert task_gain(44.0, 40.0, higher_is_better=True) == pytest.approx(10)
    assert task_gain(0.45, 0.5, higher_is_better=False) == pytest.approx(10)
    assert task_gain(0.6, 0.5, higher_is_better=False) == pytest.approx(-20)


def test_the_baseline_itself_gains_nothing():
    assert task_gain(21.94, 21.94, higher_is_better=False) == 0


def test_printed_row_of_the_paper():
    # arXiv 2509.23915, Table II, ResNet-18 on NYUD: single-task, then Uniform, printed Delta_m -2.93
    single, uniform = [39.38, 0.6111, 21.94, 72.40], [39.70, 0.6030, 23.37, 67.10]
    higher = [True, False, False, True]
    gains = [task_gain(*numbers) for numbers in zip(uniform, single, higher, strict=True)]
    assert gains == pytest.approx([0.8, 1.3, -6.5, -7.3], abs=0.05)
    assert delta_m(gains) == pytest.approx(-2.93, abs=0.01)


def test_missing_task_leaves_delta_m_open():
    assert isnan(delta_m([1.0, nan]))


def test_baseline_of_zero_is_refused():
    with pytest.raises(ValueError, match="baseline is 0"):
        task_gain(1.0, 0.0, higher_is_better=True)


def test_rank_by_hand():
    values = [[40.0, 0.5], [42.0, 0.6], [41.0, 0.4]]  # ranks 3, 1, 2 and 2, 3, 1
    assert mean_rank(values, [True, False]).tolist() == [2.5, 2, 1.5]


def test_ties_share_their_mean_rank():
    assert mean_rank([[1.0], [3.0], [3.0], [2.0]], [True]).tolist() == [4, 1.5, 1.5, 3]


def test_ranks_equal_scipy():
    rng = np.random.default_rng(0)
    values = rng.integers(0, 5, size=(9, 3)).astype(float)  # many ties
    higher = np.array([True, False, True])
    expected = rankdata(np.where(higher, -values, values), axis=0).mean(axis=1)
    np.testing.assert_allclose(mean_rank(values, higher), expected)


def test_method_without_a_result_is_nan_and_in_nobodys_way():
    ranks = mean_rank([[1.0], [nan], [3.0]], [True])
    assert ranks[[0, 2]].tolist() == [2, 1]
    assert isnan(ranks[1])
