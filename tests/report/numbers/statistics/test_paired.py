import numpy as np
import pandas as pd
import pytest
from fake_runs import PLAIN, lines_of, results_of
from fake_study import study_scores
from scipy.stats import ttest_rel

from mtl.report.numbers.gains import own_baseline, with_gains
from mtl.report.numbers.statistics.paired import compared, detectable, gains_by_seed, holm, paired_test, power

MTAN = PLAIN._replace(architecture="MTAN")
UNIFORM, AVGNORM, UW = (0.0, 1.0, 4.0, 2.0), (2.0, 2.5, 7.0, 3.0), (0.0, 1.5, 3.0, 2.5)


@pytest.fixture
def gains():
    return gains_by_seed(study_scores({"Uniform": UNIFORM, "AvgNorm": AVGNORM, "UW": UW}))


def of(found, method, quantity="delta_m"):
    return found[(found["method"] == method) & (found["quantity"] == quantity)].iloc[0]


def test_gains_are_those_of_tasks_and_their_mean():
    scores = results_of(
        lines_of("Single-task", {"semseg": 40, "depth": 0.5}), lines_of("Uniform", {"semseg": 38, "depth": 0.45})
    )
    uniform = gains_by_seed(with_gains(scores, own_baseline)).iloc[1]
    assert uniform.to_dict() == pytest.approx({"semseg": -5, "depth": 10, "delta_m": 2.5})


def test_delta_m_is_unknown_where_a_gain_is():
    scores = results_of(lines_of("Single-task", {"semseg": 40}), lines_of("Uniform", {"semseg": 38, "depth": 0.45}))
    assert gains_by_seed(with_gains(scores, own_baseline))["delta_m"].isna().all()


def test_comparison_is_scipys_paired_t_test(gains):
    found = of(compared(gains, "Uniform"), "AvgNorm")
    truth = ttest_rel(AVGNORM, UNIFORM)
    low, high = truth.confidence_interval(0.95)
    assert found["seeds"] == 4
    assert found[["difference", "p", "low", "high"]].tolist() == pytest.approx([1.875, truth.pvalue, low, high])
    assert found["std"] == pytest.approx(np.std(np.subtract(AVGNORM, UNIFORM), ddof=1))


def test_single_task_is_zero_and_every_multi_task_method_is_compared_with_it(gains):
    found = compared(gains, "Single-task")
    assert found["method"].tolist() == ["Uniform"] * 2 + ["AvgNorm"] * 2 + ["UW"] * 2
    assert of(found, "UW")["p"] == pytest.approx(ttest_rel(UW, [0] * 4).pvalue)


def test_correction_is_over_the_methods_of_one_quantity(gains):
    found = compared(gains, "Uniform")
    own = found[found["quantity"] == "delta_m"]
    assert own["method"].tolist() == ["AvgNorm", "UW"]
    low, high = own["p"]
    assert own["holm"].tolist() == pytest.approx([2 * low, max(2 * low, high)])


def test_reference_is_the_one_with_the_same_setting_and_seed():
    parts = [study_scores({"Uniform": (0, 1), "UW": (1, 3)}), study_scores({"Uniform": (5, None), "UW": (5, 5)}, MTAN)]
    found = compared(gains_by_seed(pd.concat(parts)), "Uniform")
    own = found[found["quantity"] == "delta_m"]
    assert own["architecture"].tolist() == ["Vanilla", "MTAN"]
    assert own["difference"].tolist() == pytest.approx([1.5, 0])
    assert own["seeds"].tolist() == [2, 1]
    assert own["p"].notna().tolist() == [True, False]


def test_variant_of_the_reference_is_compared_with_its_default():
    found = compared(gains_by_seed(study_scores({"Uniform": (0, 1), ("Uniform", "lr 1"): (2, 3)})), "Uniform")
    assert found["variant"].tolist() == ["lr 1", "lr 1"]
    assert of(found, "Uniform")["difference"] == pytest.approx(2)


def test_without_the_reference_there_is_no_comparison():
    found = compared(gains_by_seed(study_scores({"UW": (1, 2)})), "Uniform")
    assert found["p"].isna().all()


@pytest.mark.parametrize(("values", "p"), [((0, 0, 0), 1), ((2, 2, 2), 0)])
def test_differences_without_spread_decide(values, p):
    assert paired_test(values)["p"] == p


@pytest.mark.parametrize(
    ("p", "adjusted"),
    [
        ((0.01, 0.04, 0.03, 0.005), (0.03, 0.06, 0.06, 0.02)),  # by hand: 0.005*4, 0.01*3, 0.03*2, then at least that
        ((0.5, 0.6, np.nan), (1, 1, np.nan)),
        ((), ()),
    ],
)
def test_holm(p, adjusted):
    assert holm(pd.Series(p, dtype=float)).tolist() == pytest.approx(list(adjusted), nan_ok=True)


def test_power_is_as_published():
    # G*Power manual and R's pwr.t.test(d=0.5, power=0.8, type="paired"): n = 33.37, power 0.8078 with 34 pairs
    assert power(0.5, 34) == pytest.approx(0.80778, abs=1e-5)
    # help page of R's pwr.t.test(d=0.2, n=60, sig.level=0.10, type="one.sample"), which adds the wrong side
    assert power(0.2, 60, 0.10) == pytest.approx(0.45558, abs=1e-3)


@pytest.mark.parametrize(("seeds", "level"), [(2, 0.05), (3, 0.05), (5, 0.05), (3, 0.05 / 19), (20, 0.05 / 19)])
def test_detectable_difference_has_a_power_of_80_percent(seeds, level):
    assert power(detectable(2.0, seeds, level) / 2, seeds, level) == pytest.approx(0.8)


def test_detectable_difference_is_found_in_four_of_five_simulations():
    drawn = np.random.default_rng(0).normal(detectable(1.5, 3), 1.5, size=(3, 20_000))
    assert np.mean(ttest_rel(drawn, np.zeros_like(drawn)).pvalue < 0.05) == pytest.approx(0.8, abs=0.01)
