import pytest
import sequences
import torch
from sequences import double, golden_sequences, plain_step

from mtl.weighters import UWSO


def make(tasks: int = 3) -> UWSO:
    return UWSO(tasks, temperature=20)


@pytest.mark.parametrize(
    ("losses", "temperature", "expected"),
    [
        ([1.0, 2.0], 1, [0.622459, 0.377541]),
        ([1.0, 2.0], 0.5, [0.731059, 0.268941]),
        ([0.5, 1.0, 4.0], 1, [0.648654, 0.238627, 0.112719]),
        ([7.0], 20, [1]),
    ],
)
def test_by_hand(losses, temperature, expected):
    weights = UWSO(len(losses), temperature)(double(losses)).weights
    assert weights.tolist() == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize(
    ("temperature", "expected"), [(1, [0, 0, 0, 4]), (5, [0.14, 0.17, 0.22, 3.47]), (20, [0.74, 0.78, 0.83, 1.65])]
)
def test_numbers_of_the_docstring(temperature, expected):
    weights = UWSO(4, temperature)(double([1.5, 0.6, 0.35, 0.06])).weights
    assert (4 * weights).tolist() == pytest.approx(expected, abs=0.005)


def test_weights_sum_to_one_over_the_active_tasks():
    weights = make()(double([1.0, 0.0, 2.0]), active=torch.tensor([True, False, True])).weights
    assert weights[1] == 0
    torch.testing.assert_close(weights[[0, 2]], make(2)(double([1.0, 2.0])).weights)


def test_losses_at_or_below_zero_take_all_of_the_weight():
    assert make()(double([0.0, -1.0, 1.0])).weights.tolist() == [0.5, 0.5, 0]


def test_half_precision_losses_are_inverted_in_float64():
    weights = make()(torch.tensor([1e-4, 1.0], dtype=torch.bfloat16)).weights
    assert weights.tolist() == [1, 0]
    assert weights.dtype is torch.bfloat16


def test_no_active_task_changes_nothing():
    sequences.assert_no_active_task_changes_nothing(make, plain_step)


def test_losses_of_every_scale_give_finite_weights():
    sequences.assert_finite_on_every_scale(make, plain_step)


@pytest.mark.parametrize("temperature", [0.0, -1.0, float("nan"), float("inf")])
def test_temperature_that_divides_nothing_is_refused_by_value(temperature):
    with pytest.raises(ValueError, match=f"temperature must be positive and finite, got {temperature}"):
        UWSO(2, temperature)


@pytest.mark.parametrize(("file", "case"), golden_sequences("uwso"))
def test_golden(file, case):
    if case["kind"] == "small":  # losses below 1e-8, which the formula has no limit for
        return
    weights = UWSO(case["T"], case["temperature"])(double(case["losses"])).weights
    torch.testing.assert_close(weights, double(case["expected"]["weights"]), rtol=1e-12, atol=1e-12)
