import pytest
import sequences
import torch
from sequences import double, golden_sequences, plain_step

from mtl.weighters import UWO


def test_by_hand():
    assert UWO(3)(double([0.5, 4.0, 1.0])).weights.tolist() == [2, 0.25, 1]


def test_inactive_task_weighs_nothing():
    weights = UWO(2)(double([0.0, 2.0]), active=torch.tensor([False, True])).weights
    assert weights.tolist() == [0, 0.5]


def test_losses_at_or_below_zero_count_as_the_smallest():
    assert UWO(3)(double([0.0, -3.0, 1e-9])).weights.tolist() == pytest.approx([1e8] * 3)


def test_losses_of_every_scale_give_finite_weights():
    sequences.assert_finite_on_every_scale(UWO, plain_step)


@pytest.mark.parametrize(("file", "case"), golden_sequences("uwso"))
def test_golden(file, case):
    losses = double(case["losses"])
    weights, there = UWO(case["T"])(losses).weights, losses >= 1e-8  # the formula has no limit for smaller losses
    torch.testing.assert_close(weights[there], double(case["expected"]["weights_uwo"])[there], rtol=1e-12, atol=0)
