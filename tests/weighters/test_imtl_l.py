import pytest
import sequences
import torch
from sequences import OPTIMIZERS, double, golden_sequences, learned_step

from mtl.weighters import IMTLL, UW


def test_by_hand():
    weighter = IMTLL(2)
    update = weighter(torch.tensor([1.0, 4.0]))
    assert update.weights.tolist() == [1, 1]
    assert not update.weights.requires_grad
    assert update.penalty.item() == 5
    update.penalty.backward()
    assert weighter.s.grad.tolist() == [0, 3]  # l - 1


def test_weights_settle_at_the_inverse_loss_so_that_all_products_are_one():
    losses = double([0.2, 1.0, 30.0])
    weighter = IMTLL(3)
    with torch.no_grad():
        weighter.s.copy_(-losses.log())
    update = weighter(losses)
    torch.testing.assert_close(update.weights * losses, torch.ones(3).double())
    update.penalty.backward()
    torch.testing.assert_close(weighter.s.grad, torch.zeros(3).double(), rtol=0, atol=1e-14)


def test_objective_is_twice_that_of_uw_with_the_opposite_sign():
    losses, weighter, uncertainty = double([0.2, 1.0, 30.0]), IMTLL(3), UW(3, init=-0.7)
    with torch.no_grad():
        weighter.s.fill_(0.7)
    left, right = weighter(losses), uncertainty(losses)
    torch.testing.assert_close(left.weights, 2 * right.weights)
    torch.testing.assert_close(left.penalty, 2 * right.penalty)


def test_losses_get_no_gradient_from_the_penalty():
    losses = torch.ones(3, requires_grad=True)
    IMTLL(3)(losses).penalty.backward()
    assert losses.grad is None


@pytest.mark.parametrize("s", [-1e6, -100.0, 100.0, 1e6])
def test_factor_far_out_is_a_finite_float32_and_finds_its_way_back(s):
    weighter = IMTLL(1)
    with torch.no_grad():
        weighter.s.fill_(s)
    update = weighter(torch.ones(1))
    assert torch.isfinite(update.weights).all()
    update.penalty.backward()
    assert torch.isfinite(weighter.s.grad).all()
    assert weighter.s.grad.sign() == torch.tensor(s).sign()


def test_saved_state_resumes():
    sequences.assert_resumes(lambda: IMTLL(3), learned_step)


def test_skipped_step_leaves_no_trace():
    sequences.assert_skipped_step_leaves_no_trace(lambda: IMTLL(3), learned_step)


def test_inactive_task_is_as_if_it_did_not_exist():
    sequences.assert_inactive_task_is_as_if_it_did_not_exist(IMTLL, learned_step)


def test_no_active_task_changes_nothing():
    sequences.assert_no_active_task_changes_nothing(lambda: IMTLL(3), learned_step)


def test_losses_of_every_scale_give_finite_weights():
    sequences.assert_finite_on_every_scale(IMTLL, learned_step)


@pytest.mark.parametrize(("file", "case"), golden_sequences("imtl_l") + golden_sequences("imtl_lg"))
def test_golden(file, case):
    """Of the hybrid (imtl_lg), only s and the head weights are compared: its shared gradient is IMTL-G's."""
    weighter = IMTLL(case["T"])
    optimizer = OPTIMIZERS[file["hyperparameters"]["opt"]](weighter.parameters())
    for losses, expected in zip(case["losses"], case["expected"], strict=True):
        torch.testing.assert_close(weighter.s.data, double(expected["s_before"]), rtol=1e-10, atol=1e-10)
        update = weighter(double(losses))
        optimizer.zero_grad()
        update.penalty.backward()
        optimizer.step()
        torch.testing.assert_close(update.weights, double(expected["head_scale"]), rtol=1e-10, atol=1e-10)
        torch.testing.assert_close(weighter.s.data, double(expected["s_after"]), rtol=1e-10, atol=1e-10)
        if file["method"] == "imtl_l":
            grad = update.weights @ double(case["J"])
            torch.testing.assert_close(grad, double(expected["grad"]), rtol=1e-10, atol=1e-10)
            assert update.penalty.item() == pytest.approx(expected["loss"], rel=1e-10)
