import pytest
import sequences
import torch
from sequences import OPTIMIZERS, double, golden_sequences, learned_step

from mtl.weighters import UW


def make(tasks: int = 3) -> UW:
    return UW(tasks, init=-0.5)


def test_by_hand():
    weighter = UW(2, init=0.0)
    update = weighter(torch.tensor([1.0, 4.0]))
    assert update.weights.tolist() == [0.5, 0.5]
    assert not update.weights.requires_grad
    assert update.penalty.item() == 2.5  # (1 + 4) / 2
    update.penalty.backward()
    assert weighter.s.grad.tolist() == [0.0, -1.5]  # (1 - l) / 2


def test_every_variance_begins_at_init():
    assert UW(3, init=-0.5).s.tolist() == [-0.5] * 3


def test_weights_settle_where_they_are_half_the_inverse_loss():
    losses = double([0.2, 1.0, 30.0])
    weighter = make()
    with torch.no_grad():
        weighter.s.copy_(losses.log())
    update = weighter(losses)
    torch.testing.assert_close(update.weights, 1 / (2 * losses))
    update.penalty.backward()
    torch.testing.assert_close(weighter.s.grad, torch.zeros(3).double(), rtol=0, atol=1e-15)


def test_losses_get_no_gradient_from_the_penalty():
    losses = torch.ones(3, requires_grad=True)
    make()(losses).penalty.backward()
    assert losses.grad is None


def test_sum_of_losses_weighted_and_penalty_have_the_gradients_of_the_papers_objective():
    losses, weighter = double([0.3, 2.0, 7.0]).requires_grad_(), make()
    objective = (losses * (-weighter.s).exp() / 2 + weighter.s / 2).sum()
    to_losses, to_s = torch.autograd.grad(objective, [losses, weighter.s])
    update = weighter(losses)
    torch.testing.assert_close(update.weights, to_losses)
    torch.testing.assert_close(torch.autograd.grad(update.penalty, weighter.s)[0], to_s)
    torch.testing.assert_close(update.penalty, objective)


@pytest.mark.parametrize(("parameter", "losses"), [(torch.float32, torch.float64), (torch.float64, torch.float32)])
def test_dtypes_may_differ_and_the_finer_one_is_computed_in(parameter, losses):
    weighter = UW(1, init=0.1).to(parameter)
    update = weighter(torch.ones(1, dtype=losses))
    assert update.penalty.dtype == torch.float64
    assert update.weights.dtype == losses
    exact = (-weighter.s.double()).exp() / 2
    torch.testing.assert_close(update.weights.double(), exact.detach(), rtol=torch.finfo(losses).eps, atol=0)


@pytest.mark.parametrize("s", [-1e6, -100.0, 100.0, 1e6])
def test_variance_far_out_gives_a_finite_float32_weight_and_finds_its_way_back(s):
    weighter = make(1)
    with torch.no_grad():
        weighter.s.fill_(s)
    update = weighter(torch.ones(1))
    assert torch.isfinite(update.weights).all()
    update.penalty.backward()
    assert torch.isfinite(weighter.s.grad).all()
    assert weighter.s.grad.sign() == torch.tensor(s).sign()  # downhill is towards log 1 = 0


def test_saved_state_resumes():
    sequences.assert_resumes(make, learned_step)


def test_skipped_step_leaves_no_trace():
    sequences.assert_skipped_step_leaves_no_trace(make, learned_step)


def test_inactive_task_is_as_if_it_did_not_exist():
    sequences.assert_inactive_task_is_as_if_it_did_not_exist(make, learned_step)


def test_no_active_task_changes_nothing():
    sequences.assert_no_active_task_changes_nothing(make, learned_step)


def test_losses_of_every_scale_give_finite_weights():
    sequences.assert_finite_on_every_scale(make, learned_step)


@pytest.mark.parametrize("init", [float("nan"), float("inf")])
def test_init_that_is_no_number_is_refused_by_value(init):
    with pytest.raises(ValueError, match=f"init must be a finite number, got {init}"):
        UW(2, init=init)


@pytest.mark.parametrize(("file", "case"), golden_sequences("uw"))
def test_golden(file, case):
    source, rows = file["source"], double(case["J"])
    factor = torch.ones(case["T"]).double()
    if source == "VICO":  # its first task has no 1/2: UW with twice the loss, and twice the weight
        factor[0] = 2
    weighter = UW(case["T"], init=case["expected"][0]["s_before"][0])
    optimizer = OPTIMIZERS[file["hyperparameters"]["opt"]](weighter.parameters())
    for losses, expected in zip(case["losses"], case["expected"], strict=True):
        torch.testing.assert_close(weighter.s, double(expected["s_before"]), rtol=1e-10, atol=1e-10, check_dtype=False)
        update = weighter(factor * double(losses))
        optimizer.zero_grad()
        update.penalty.backward()
        optimizer.step()
        weights = factor * update.weights
        torch.testing.assert_close(weights, double(expected["head_scale"]), rtol=1e-10, atol=1e-10)
        torch.testing.assert_close(weights @ rows, double(expected["grad"]), rtol=1e-10, atol=1e-10)
        torch.testing.assert_close(weighter.s, double(expected["s_after"]), rtol=1e-10, atol=1e-10)
        if "loss" in expected:
            assert update.penalty.item() == pytest.approx(expected["loss"], rel=1e-10)
