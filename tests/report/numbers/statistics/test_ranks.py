import numpy as np
import pandas as pd
import pytest
from fake_runs import PLAIN
from fake_study import study_scores
from scipy.stats import friedmanchisquare

from mtl.report.numbers.statistics.paired import gains_by_seed
from mtl.report.numbers.statistics.ranks import complete, critical_difference, groups, ranked

# Demsar 2006, Table 6: ranks of C4.5, C4.5+m, C4.5+cf, C4.5+m+cf on 14 datasets
DEMSAR = [
    *((4, 3, 2, 1), (1, 2, 3, 4), (4, 1, 2, 3), (4, 1, 3, 2), (4, 2, 3, 1), (1, 2.5, 4, 2.5), (3, 2, 4, 1)),
    *((2.5, 2.5, 4, 1), (4, 3, 2, 1), (2.5,) * 4, (4, 2.5, 1, 2.5), (3, 2, 4, 1), (4, 1, 2, 3), (3, 1, 4, 2)),
]
NAMES = ["C4.5", "C4.5+m", "C4.5+cf", "C4.5+m+cf"]


def deltas(values, setting=PLAIN):
    return gains_by_seed(study_scores(values, setting))["delta_m"]


@pytest.fixture
def demsar():
    """Delta_m that give these ranks: higher is better."""
    return ranked(deltas({name: [-row[place] for row in DEMSAR] for place, name in enumerate(NAMES)}))


def test_mean_ranks_are_those_of_demsars_example(demsar):
    assert demsar.mean.index.tolist() == ["C4.5+m+cf", "C4.5+m", "C4.5+cf", "C4.5"]
    assert demsar.mean.tolist() == pytest.approx([1.964, 2.000, 2.893, 3.143], abs=5e-4)
    assert demsar.blocks == 14
    assert demsar.settings == 1


def test_friedmans_statistic_is_that_of_demsars_example_and_of_scipy(demsar):
    ties = 1 - (6 + 6 + 60 + 6) / (14 * 4 * 15)  # the correction, which he leaves out
    assert demsar.statistic * ties == pytest.approx(9.28, abs=0.01)
    truth = friedmanchisquare(*np.transpose(DEMSAR))
    assert (demsar.statistic, demsar.p) == pytest.approx((truth.statistic, truth.pvalue))


def test_critical_difference_is_that_of_demsars_example(demsar):
    assert demsar.critical == pytest.approx(1.25, abs=0.005)


@pytest.mark.parametrize(
    ("methods", "q"),
    [*enumerate((1.960, 2.343, 2.569, 2.728, 2.850, 2.949, 3.031, 3.102, 3.164), 2)],
)
def test_critical_values_are_those_of_demsars_table(methods, q):
    assert critical_difference(methods, 6) / np.sqrt(methods * (methods + 1) / 36) == pytest.approx(q, abs=1.5e-3)


def test_blocks_are_pairs_of_setting_and_seed():
    mtan = PLAIN._replace(architecture="MTAN")
    parts = [deltas({"A": (1, 2), "B": (2, 3), "C": (3, 1)}), deltas({"A": (9, 9), "B": (8, 8), "C": (7, 7)}, mtan)]
    found = ranked(pd.concat(parts))
    assert (found.blocks, found.settings) == (4, 2)
    assert found.mean.to_dict() == {"A": 1.75, "B": 1.75, "C": 2.5}


def test_method_that_lacks_a_seed_is_not_ranked():
    found = ranked(deltas({"A": (1, 2), "B": (2, 3), "C": (3, 1), ("D", "alpha 2"): (4, None)}))
    assert found.mean.index.tolist() == ["B", "C", "A"]
    assert found.without == ["D (alpha 2)"]


def test_seed_that_few_methods_have_is_not_a_block():
    table = pd.DataFrame({"A": [1, 2, 3], "B": [1, 2, np.nan], "C": [1, 2, np.nan], "D": [1, np.nan, np.nan]})
    assert complete(table).to_dict("list") == {"A": [1, 2], "B": [1, 2], "C": [1, 2]}


@pytest.mark.parametrize(
    "values", [{"A": (1,), "B": (2,), "C": (3,)}, {"A": (1, 2), "B": (2, 3)}, {"A": (1, 2), "B": (2, None)}]
)
def test_one_block_or_two_methods_are_not_ranked(values):
    assert ranked(deltas(values)) is None


def test_equal_methods_do_not_differ():
    found = ranked(deltas({"A": (1, 2), "B": (1, 2), "C": (1, 2)}))
    assert (found.statistic, found.p) == (0, 1)
    assert found.mean.tolist() == [2, 2, 2]


@pytest.mark.parametrize(
    ("mean", "critical", "expected"),
    [
        ((1.964, 2.0, 2.893, 3.143), 1.25, [(0, 3)]),  # Demsar: all are within 1.25
        ((1, 2, 3, 4), 1.5, [(0, 1), (1, 2), (2, 3)]),
        ((1, 1.5, 2, 4), 1.2, [(0, 2)]),  # smaller groups inside it are left out
        ((1, 3), 2, []),  # the critical difference itself is significant
    ],
)
def test_groups_are_as_large_as_possible(mean, critical, expected):
    assert groups(mean, critical) == expected
