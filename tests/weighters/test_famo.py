import math

import pytest
import sequences
import torch
from sequences import double, golden_sequences

from mtl.weighters import FAMO, Weighter


def step(weighter: Weighter, index: int, losses: torch.Tensor, active: torch.Tensor | None = None) -> torch.Tensor:
    """A step that moves each loss towards 1, independently of the other losses."""
    weights = weighter(losses, active=active).weights
    weighter.after_step(losses.abs().pow(0.9))
    return weights


def make(tasks: int = 3) -> FAMO:
    return FAMO(tasks, gamma=0.001, lr=0.025)


def state(weighter: FAMO) -> dict:
    return {name: value.clone() for name, value in weighter.state_dict().items()}


def test_by_hand():
    weighter = FAMO(2, gamma=0.0, lr=0.1)
    weights = weighter(double([1.0, 3.0])).weights  # z = 1/2: weights as 1 to 1/3
    assert weights.tolist() == pytest.approx([0.75, 0.25])
    weighter.after_step(double([0.5, 3.0]))  # the first loss fell: Adam's first step is lr long, away from it
    assert weighter.logits.tolist() == pytest.approx([-0.1, 0.1])
    z = 1 / (1 + math.exp(0.2)), 1 / (1 + math.exp(-0.2))
    assert weighter(double([1.0, 1.0])).weights.tolist() == pytest.approx(z)


def test_weights_sum_to_one_over_the_active_tasks():
    weighter, active = make(), torch.tensor([True, False, True])
    for losses in sequences.stream(5, 3):
        assert step(weighter, 0, losses).sum().item() == pytest.approx(1)
        assert step(weighter, 0, losses, active).sum().item() == pytest.approx(1)


def test_first_weights_give_all_weighted_losses_the_same_size():
    losses = double([0.01, 1.0, 50.0])
    products = make()(losses).weights * losses
    torch.testing.assert_close(products, products[0].expand(3), rtol=1e-5, atol=0)


def test_scale_of_a_loss_takes_itself_back():
    factors, plain, scaled = double([1.0, 1000.0, 0.1]), make(), make()
    for losses in sequences.stream(10, 3):
        plain(losses)
        scaled(factors * losses)
        plain.after_step(losses.pow(0.9))
        scaled.after_step(factors * losses.pow(0.9))
        torch.testing.assert_close(scaled.logits, plain.logits, rtol=1e-4, atol=1e-7)


def test_task_that_improves_most_loses_weight():
    weighter = make()
    for _ in range(20):
        weighter(double([1.0, 1.0, 1.0]))
        weighter.after_step(double([0.5, 0.9, 1.1]))
    assert weighter.logits.argsort(descending=True).tolist() == [2, 1, 0]


@pytest.mark.parametrize("gamma", [0.0, 0.1])
def test_logits_move_as_torch_adam_with_weight_decay_moves_them(gamma):
    weighter = FAMO(3, gamma=gamma, lr=0.025)
    logits = torch.zeros(3, dtype=torch.float64, requires_grad=True)
    adam = torch.optim.Adam([logits], lr=0.025, weight_decay=gamma)
    for losses in sequences.stream(50, 3):
        after = losses.flip(0)
        weighter(losses)
        weighter.after_step(after)
        delta = (losses + 1e-8).log() - (after + 1e-8).log()
        logits.grad = torch.autograd.grad(logits.softmax(0), logits, delta)[0]
        adam.step()
        torch.testing.assert_close(weighter.logits, logits.detach(), rtol=1e-13, atol=1e-13)


def test_after_step_without_losses_is_refused_with_the_remedy():
    weighter = make()
    weighter(torch.ones(3))
    with pytest.raises(ValueError, match=r"as one tensor \[T\]: weighter.after_step\(torch.stack\(losses\)\)"):
        weighter.after_step()


def test_task_without_labels_keeps_logit_and_moments_and_continues_later():
    weighter, active = make(2), torch.tensor([True, False])
    step(weighter, 0, double([0.5, 2.0]))
    before = state(weighter)
    step(weighter, 0, double([0.4, 0.0]), active)
    after = state(weighter)
    for name in ("logits", "mean", "square", "steps"):
        assert after[name][1] == before[name][1], name
        assert after[name][0] != before[name][0], name
    assert after["steps"].tolist() == [2, 1]


def test_task_whose_loss_is_not_finite_after_the_step_keeps_its_logit():
    weighter, alone = make(), make(2)
    weighter(double([0.5, 2.0, 3.0]))
    weighter.after_step(double([0.4, float("nan"), 3.0]))
    alone(double([0.5, 3.0]))
    alone.after_step(double([0.4, 3.0]))
    assert weighter.logits.tolist() == [alone.logits[0], 0, alone.logits[1]]


@pytest.mark.parametrize("loss", [0.0, -1.0, -1e12])
def test_loss_that_is_not_positive_counts_as_zero_and_takes_the_weight(loss):
    weighter = make(2)
    weights = weighter(double([loss, 1.0])).weights
    assert weights.tolist() == pytest.approx([1, 1e-8], rel=1e-6)
    weighter.after_step(double([loss, 1.0]))
    assert weighter.logits.tolist() == [0, 0]


def test_after_step_before_any_step_changes_nothing():
    weighter = make()
    before = state(weighter)
    weighter.after_step(torch.ones(3))
    assert all(torch.equal(value, before[name]) for name, value in weighter.state_dict().items())


def test_state_saved_between_forward_and_after_step_resumes():
    losses, weighter, resumed = sequences.stream(3, 3), make(), make()
    step(weighter, 0, losses[0])
    weighter(losses[1])
    resumed.load_state_dict(state(weighter))
    weighter.after_step(losses[2])
    resumed.after_step(losses[2])
    sequences.assert_same_state(weighter, resumed)


def test_saved_state_resumes():
    sequences.assert_resumes(make, step)


def test_skipped_step_leaves_no_trace():
    sequences.assert_skipped_step_leaves_no_trace(make, step)


def test_inactive_task_is_as_if_it_did_not_exist():
    sequences.assert_inactive_task_is_as_if_it_did_not_exist(make, step)


def test_no_active_task_changes_nothing():
    sequences.assert_no_active_task_changes_nothing(make, step)


def test_losses_of_every_scale_give_finite_weights():
    sequences.assert_finite_on_every_scale(make, step)


@pytest.mark.parametrize(("wrong", "value"), [("gamma", -1.0), ("gamma", math.inf), ("lr", 0.0), ("lr", math.nan)])
def test_wrong_number_is_refused_by_name_and_value(wrong, value):
    with pytest.raises(ValueError, match=f"{wrong} must .* got {value}"):
        FAMO(2, **({"gamma": 0.001, "lr": 0.025} | {wrong: value}))


@pytest.mark.parametrize(("file", "case"), golden_sequences("famo"))
def test_golden(file, case):
    numbers = file["hyperparameters"]
    weighter = FAMO(case["T"], gamma=numbers["gamma"], lr=numbers["w_lr"])
    for losses, after, expected in zip(case["losses"], case["losses_after"], case["expected"], strict=True):
        torch.testing.assert_close(weighter.logits, double(expected["logits_before"]), rtol=1e-10, atol=1e-10)
        weights = weighter(double(losses)).weights
        torch.testing.assert_close(weights, double(expected["head_scale"]), rtol=1e-10, atol=1e-10)
        torch.testing.assert_close(weights @ double(case["J"]), double(expected["grad"]), rtol=1e-10, atol=1e-10)
        weighter.after_step(double(after))
        torch.testing.assert_close(weighter.logits, double(expected["logits_after"]), rtol=1e-10, atol=1e-10)
