from itertools import permutations, product
from pathlib import Path

import numpy as np
import pytest
from fake_runs import PLAIN
from fake_study import study_scores
from scipy.stats import spearmanr

from mtl.report.names import SINGLE_TASK, Setting
from mtl.report.numbers.gains import mean_deltas, published_baseline
from mtl.report.numbers.statistics.agreement import agreements, correlation
from mtl.report.numbers.statistics.paired import gains_by_seed
from mtl.report.read.scores import paper_scores

NYUD = Setting("NYUD-v2", "ResNet-18", "Vanilla")
OURS = np.array([[1.0, 3, 2, 5, 4], [2, 1, 4, 3, 6], [0, 2, 1, 5, 3]])
THEIRS = np.array([1.0, 2, 3, 4, 5])


@pytest.fixture(scope="module")
def paper():
    return paper_scores(Path(__file__).parents[4] / "results" / "paper")


@pytest.fixture(scope="module")
def printed(paper):
    """The paper's Delta_m by method, on NYUD-v2 with ResNet-18."""
    found = mean_deltas(paper[paper["table"].isin(["II", "VI"])], published_baseline)
    return found.sort_index()[tuple(NYUD)].droplevel("variant").drop(SINGLE_TASK).to_dict()


def found_for(values, paper, setting=NYUD, best=None):
    return list(agreements(gains_by_seed(study_scores(values, setting))["delta_m"], paper, best or {}))


def test_rho_is_scipys():
    assert correlation(OURS, THEIRS)[0] == pytest.approx(spearmanr(OURS.mean(axis=0), THEIRS).statistic)


def test_p_is_that_of_all_permutations():
    rho = spearmanr(OURS.mean(axis=0), THEIRS).statistic
    every = [abs(spearmanr(OURS.mean(axis=0), one).statistic) for one in permutations(THEIRS)]
    assert correlation(OURS, THEIRS)[3] == pytest.approx(np.mean(np.array(every) >= rho - 1e-9), abs=0.01)


def test_interval_is_that_of_all_draws_of_seeds():
    every = [spearmanr(OURS[list(draw)].mean(axis=0), THEIRS).statistic for draw in product(range(3), repeat=3)]
    assert correlation(OURS, THEIRS)[1:3] == pytest.approx(np.percentile(every, (2.5, 97.5)))


def test_numbers_are_the_same_every_time():
    assert correlation(OURS, THEIRS) == correlation(OURS, THEIRS)


def test_methods_that_are_all_equal_are_uncorrelated():
    assert correlation(np.ones((2, 5)), THEIRS) == (0, 0, 0, 1)


def test_same_setting_of_the_paper_is_the_one_to_compare_with(paper, printed):
    (found,) = found_for({method: (value, value + 1) for method, value in printed.items()}, paper)
    assert (found.ours, found.paper, found.methods, found.seeds) == (NYUD, NYUD, 15, 2)
    assert (found.rho, found.low, found.high) == pytest.approx((1, 1, 1))
    assert found.p < 0.001


def test_methods_that_the_paper_lacks_do_not_count(paper, printed):
    values = {method: (value, value) for method, value in printed.items()} | {"SLAW": (99, 99)}
    assert found_for(values, paper)[0].methods == 15


def test_other_datasets_are_compared_with_all_settings_of_the_same_architecture(paper, printed):
    found = found_for({method: (value, value) for method, value in printed.items()}, paper, PLAIN)
    assert [tuple(one.paper[:3]) for one in found] == [
        ("NYUD-v2", "ResNet-18", "Vanilla"),
        ("PASCAL-Context", "ResNet-18", "Vanilla"),
        ("NYUD-v2", "ResNet-50", "Vanilla"),
    ]
    assert [one.methods for one in found] == [15, 15, 14]  # Table III has no AvgNorm
    assert found[0].rho == pytest.approx(1)
    assert found[1].rho < 1


def test_searched_method_has_its_best_variant(paper, printed):
    values = {method: (value, value) for method, value in printed.items()}
    values |= {"GradNorm": (99, 99), ("GradNorm", "alpha 2"): values["GradNorm"]}
    assert found_for(values, paper)[0].rho < 1
    assert found_for(values, paper, best={(*NYUD, "GradNorm"): "alpha 2"})[0].rho == pytest.approx(1)


def test_one_seed_or_few_methods_are_not_compared(paper, printed):
    assert not found_for({method: (value,) for method, value in printed.items()}, paper)
    assert not found_for(dict.fromkeys(list(printed)[:4], (1, 2)), paper)
