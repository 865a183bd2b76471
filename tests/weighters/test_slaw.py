import math

import pytest
import sequences
import torch
from sequences import double, golden_sequences, plain_step

from mtl.weighters import SLAW


def make(tasks: int = 3) -> SLAW:
    return SLAW(tasks, beta=0.9)


def test_by_hand():
    weighter = SLAW(2, beta=0.5)
    # a = l^2 / 2, b = l / 2, so s = l / 2: 1 and 3
    assert weighter(double([2.0, 6.0])).weights.tolist() == pytest.approx([2 * 0.75, 2 * 0.25])
    # task 0: a = 2, b = 1 -> 1 and 0.5, s^2 = 0.75; task 1: a = 18, b = 3 -> 27 and 4.5, s^2 = 6.75
    assert weighter(double([0.0, 6.0])).weights.tolist() == pytest.approx([2 * 0.75, 2 * 0.25])
    # both once more, with the losses 4 and 2
    a, b = (1 / 2 + 8, 27 / 2 + 2), (0.5 / 2 + 2, 4.5 / 2 + 1)
    s = [math.sqrt(x - y * y) for x, y in zip(a, b, strict=True)]
    expected = [2 / x / sum(1 / y for y in s) for x in s]
    assert weighter(double([4.0, 2.0])).weights.tolist() == pytest.approx(expected)


def test_weights_sum_to_the_number_of_active_tasks():
    weighter, active = make(), torch.tensor([True, False, True])
    for losses in sequences.stream(5, 3):
        assert weighter(losses).weights.sum().item() == pytest.approx(3)
        assert weighter(losses, active=active).weights.sum().item() == pytest.approx(2)


def test_scale_of_a_loss_takes_itself_back():
    plain, scaled = make(), make()
    for losses in sequences.stream(10, 3):
        weights = scaled(losses * double([1.0, 100.0, 0.01])).weights
        products = weights * double([1.0, 100.0, 0.01])
        expected = plain(losses).weights
        torch.testing.assert_close(products / products[0], expected / expected[0])


def test_sign_of_a_loss_does_not_matter():
    plain, flipped = make(), make()
    for losses in sequences.stream(5, 3):
        torch.testing.assert_close(flipped(losses * double([1.0, -1.0, 1.0])).weights, plain(losses).weights)


def test_losses_that_do_not_vary_weigh_one():
    weighter = make()
    for _ in range(5):
        assert weighter(torch.zeros(3).double()).weights.tolist() == [1, 1, 1]
    assert weighter(torch.full((3,), 1e-7).double()).weights.tolist() == [1, 1, 1]


def test_deviation_of_a_large_and_steady_loss_is_not_lost_to_rounding():
    weighter = SLAW(2, beta=0.5)
    for index in range(200):  # the textbook a - b^2 of the first task would be rounding of 1e16, or negative
        update = weighter(double([1e8 + (-1) ** index, (-1) ** index]))
    assert update.weights.tolist() == pytest.approx([1, 1], rel=1e-6)


def test_saved_state_resumes():
    sequences.assert_resumes(make, plain_step)


def test_skipped_step_leaves_no_trace():
    sequences.assert_skipped_step_leaves_no_trace(make, plain_step)


def test_inactive_task_is_as_if_it_did_not_exist():
    sequences.assert_inactive_task_is_as_if_it_did_not_exist(make, plain_step)


def test_no_active_task_changes_nothing():
    sequences.assert_no_active_task_changes_nothing(make, plain_step)


def test_losses_of_every_scale_give_finite_weights():
    sequences.assert_finite_on_every_scale(make, plain_step)


@pytest.mark.parametrize("beta", [0.0, 1.0, -0.5, 2.0, float("nan")])
def test_beta_outside_zero_and_one_is_refused_by_value(beta):
    with pytest.raises(ValueError, match=f"beta must lie between 0 and 1, both excluded, got {beta}"):
        SLAW(2, beta=beta)


@pytest.mark.parametrize(("file", "case"), golden_sequences("slaw"))
def test_golden(file, case):
    weighter = SLAW(case["T"], beta=file["hyperparameters"]["beta"])
    for losses, expected in zip(case["losses"], case["expected"], strict=True):
        weights = weighter(double(losses)).weights
        torch.testing.assert_close(weights, double(expected["weights"]), rtol=1e-10, atol=1e-10)
        torch.testing.assert_close(weighter.v.sqrt(), double(expected["s"]), rtol=1e-10, atol=1e-10)
