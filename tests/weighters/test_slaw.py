import pytest
import sequences
import torch
from sequences import double, golden_sequences, plain_step

from mtl.weighters import SLAW


def make(tasks: int = 3) -> SLAW:
    return SLAW(tasks, beta=0.9)


def test_by_hand():
    weighter = SLAW(2, beta=0.99)
    expected = [[1, 1], [0.666667, 1.333333], [1.451416, 0.548584]]  # deviations (0, 0), (1, .5), (.816497, 2.160247)
    for losses, weights in zip([[1.0, 10.0], [3.0, 11.0], [2.0, 15.0]], expected, strict=True):
        assert weighter(double(losses)).weights.tolist() == pytest.approx(weights, abs=1e-6)


@pytest.mark.parametrize(
    ("beta", "plain_steps", "plain"), [(0.75, None, 4), (0.75, 2, 2), (0.75, 1, 1), (0.99, None, 100)]
)
def test_plain_means_come_first_and_moving_averages_after(beta, plain_steps, plain):
    weighter, losses = SLAW(2, beta=beta, plain_steps=plain_steps), sequences.stream(plain + 3, 2)
    assert weighter.plain_steps == plain
    for step in range(plain):
        weighter(losses[step])
    assert weighter.variance.tolist() == pytest.approx(losses[:plain].var(0, correction=0).tolist())
    average, square = losses[:plain].mean(0), losses[:plain].square().mean(0)
    for step in range(plain, plain + 3):
        weights = weighter(losses[step]).weights
        average = beta * average + (1 - beta) * losses[step]
        square = beta * square + (1 - beta) * losses[step].square()
    inverse = 1 / (square - average**2).sqrt()
    torch.testing.assert_close(weights, 2 * inverse / inverse.sum())


def test_first_step_has_weight_one_and_the_present_loss_counts_from_the_second():
    weighter = make(2)
    assert weighter(double([5.0, 0.01])).weights.tolist() == [1, 1]
    assert weighter(double([8.0, 1.01])).weights.tolist() == pytest.approx([0.5, 1.5])  # deviations 1.5 and 0.5


def test_task_with_its_first_labels_weighs_one_and_changes_nothing_for_the_others():
    three, two, active = make(3), make(2), torch.tensor([True, True, False])
    losses = sequences.stream(6, 3)
    for step in range(5):
        three(losses[step], active=active)
        two(losses[step, :2])
    weights = three(losses[5]).weights
    assert weights[2] == 1
    torch.testing.assert_close(weights[:2], two(losses[5, :2]).weights, rtol=1e-12, atol=0)


def test_weights_sum_to_the_number_of_active_tasks():
    weighter, active = make(), torch.tensor([True, False, True])
    for losses in sequences.stream(5, 3):
        assert weighter(losses).weights.sum().item() == pytest.approx(3)
        assert weighter(losses, active=active).weights.sum().item() == pytest.approx(2)


def test_scale_of_a_loss_cancels_from_the_second_step():
    plain, scaled, factors = make(), make(), double([1.0, 100.0, 0.01])
    for index, losses in enumerate(sequences.stream(10, 3)):
        expected, products = plain(losses).weights, scaled(losses * factors).weights * factors
        if index > 0:
            torch.testing.assert_close(products / products[0], expected / expected[0])


def test_sign_of_a_loss_does_not_matter():
    plain, flipped = make(), make()
    for losses in sequences.stream(5, 3):
        torch.testing.assert_close(flipped(losses * double([1.0, -1.0, 1.0])).weights, plain(losses).weights)


@pytest.mark.parametrize("loss", [0.0, 1e-7, 0.1, 3e8])
def test_losses_that_do_not_vary_weigh_one(loss):
    weighter = make()
    for _ in range(5):
        assert weighter(torch.full((3,), loss).double()).weights.tolist() == pytest.approx([1, 1, 1], rel=1e-12)


def test_deviation_of_a_large_and_steady_loss_is_not_lost_to_rounding():
    weighter = SLAW(2, beta=0.5)
    for index in range(200):  # the textbook difference of averages would be rounding of 1e16, or negative
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
    with pytest.raises(ValueError, match=f"beta must be above 0 and below 1, got {beta}"):
        SLAW(2, beta=beta)


@pytest.mark.parametrize("plain_steps", [0, -3, 2.5])
def test_plain_steps_that_are_no_count_are_refused_by_value(plain_steps):
    with pytest.raises(ValueError, match=rf"plain_steps must be a whole number from 1.*, got {plain_steps}"):
        SLAW(2, beta=0.9, plain_steps=plain_steps)


@pytest.mark.parametrize(("file", "case"), golden_sequences("slaw"))
def test_golden(file, case):
    """The authors' code: its deviation of the first step is 0, and its weights there are 1."""
    weighter = SLAW(case["T"], beta=file["hyperparameters"]["ema_alpha"])
    for losses, expected in zip(case["losses"], case["expected"], strict=True):
        weights = weighter(double(losses)).weights
        torch.testing.assert_close(weights, double(expected["weights"]), rtol=1e-10, atol=1e-10)
        torch.testing.assert_close(weighter.variance.sqrt(), double(expected["s"]), rtol=1e-10, atol=1e-10)
