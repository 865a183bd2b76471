import pytest
import torch
from matrices import gradient_cases
from sequences import assert_same_state, double, golden_sequences

import mtl
from mtl.weighters import DBMTL

ROWS, LOSSES = double([[3.0, 4.0], [0.0, 2.0]]), double([2.0, 0.5])


def test_by_hand():
    update = DBMTL(2, beta=0, sigma=0)(LOSSES, ROWS)  # log gradients (1.5, 2) and (0, 4): factors 1.6 and 1
    assert update.direction.tolist() == pytest.approx([2.4, 7.2])
    assert update.weights.tolist() == pytest.approx([0.5, 2])
    assert DBMTL(2, beta=0.9, sigma=0.5)(LOSSES, ROWS).direction.tolist() == pytest.approx([0.24, 0.72])


@pytest.mark.parametrize("case", ["well", "badly", "conflict", "zero", "tiny", "huge"])
def test_without_a_past_every_part_has_the_length_of_the_longest_log_gradient(case):
    rows, losses = gradient_cases()[case], double([0.5, 3.0, 0.01, 120.0])
    logs = rows / losses[:, None]
    lengths = logs.norm(dim=1, keepdim=True)
    expected = (lengths.max() * torch.where(lengths > 0, logs / lengths, 0.0)).sum(0)
    found = DBMTL(4, beta=0, sigma=0)(losses, rows).direction
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=0)


def test_past_counts_less_with_every_step():
    weighter = DBMTL(1, beta=0.8, sigma=1)
    average = 0.0
    for step, gradient in enumerate([2.0, -1.0, 4.0], 1):
        weighter(torch.ones(1), double([[gradient]]))
        past = 0.8 / step
        average = past * average + (1 - past) * gradient
        assert weighter.average.item() == pytest.approx(average)


def test_inactive_task_keeps_its_average_and_adds_nothing():
    three, two, active = DBMTL(3, 0.9, 0.5), DBMTL(2, 0.9, 0.5), torch.tensor([True, False, True])
    rows, losses = gradient_cases()["conflict"][:3], double([1.0, 5.0, 0.1])
    three(losses, rows)
    two(losses[active], rows[active])
    before = three.average[1].clone()
    for factor in (1.0, -2.0):
        found = three(losses, factor * rows, active)
        expected = two(losses[active], factor * rows[active])
        torch.testing.assert_close(found.direction, expected.direction)
        assert found.weights[1] == 0
    assert torch.equal(three.average[1], before)
    assert three.steps.tolist() == [3, 1, 3]


@pytest.mark.parametrize("loss", [0.0, -1.0, 1e-12])
def test_losses_at_or_below_zero_give_finite_numbers(loss):
    weighter = DBMTL(2, 0.9, 0.5)
    update = weighter(torch.tensor([loss, 1.0]), torch.tensor([[1e15, 1e18], [1e-20, 0.0]]))
    assert update.direction.isfinite().all()
    assert update.weights.isfinite().all()


def test_saved_state_resumes_in_a_weighter_that_has_seen_no_step():
    undisturbed, resumed = DBMTL(4, 0.9, 0.5), DBMTL(4, 0.9, 0.5)
    for case in ("well", "conflict", "well"):
        rows, saved = gradient_cases()[case], {key: value.clone() for key, value in resumed.state_dict().items()}
        resumed(torch.ones(4), 3 * rows + 1)
        resumed = DBMTL(4, 0.9, 0.5)
        resumed.load_state_dict(saved)
        first, second = (weighter(torch.ones(4), rows) for weighter in (resumed, undisturbed))
        assert torch.equal(first.direction, second.direction)
    assert_same_state(resumed, undisturbed)


def test_state_without_a_step_clears_the_averages():
    weighter = DBMTL(4, 0.9, 0.5)
    fresh = {key: value.clone() for key, value in weighter.state_dict().items()}
    weighter(torch.ones(4), gradient_cases()["well"])
    weighter.load_state_dict(fresh)
    assert weighter.average.shape == (4, 0)
    assert weighter.steps.tolist() == [0] * 4


@pytest.mark.parametrize("scope", ["features", "last_layer"])
def test_scopes_without_an_average_are_refused_by_name(scope):
    with pytest.raises(ValueError, match=f"DBMTL cannot be applied at scope={scope}: use shared"):
        mtl.Accumulation(DBMTL(2, 0.9, 0.5), scope=scope)


@pytest.mark.parametrize(("beta", "sigma"), [(1.0, 0.5), (-0.1, 0.5), (0.9, -1.0), (0.9, float("inf"))])
def test_settings_out_of_range_are_refused_by_value(beta, sigma):
    with pytest.raises(ValueError, match=str(beta) if beta != 0.9 else str(sigma)):
        DBMTL(2, beta, sigma)


@pytest.mark.parametrize(("file", "case"), golden_sequences("db_mtl"))
def test_golden(file, case):
    weighter = DBMTL(case["T"], file["hyperparameters"]["beta"], file["hyperparameters"]["beta_sigma"])
    for losses, rows, expected in zip(double(case["losses"]), double(case["J"]), case["expected"], strict=True):
        update = weighter(losses, rows)
        torch.testing.assert_close(update.weights, double(expected["head_scale"]), rtol=1e-8, atol=0)  # no 1e-8 there
        norms = weighter.average.norm(dim=1)
        theirs = (norms.max() / (norms + 1e-8)) @ weighter.average  # they add 1e-8 to a length
        torch.testing.assert_close(theirs, double(expected["grad"]), rtol=1e-10, atol=1e-10)
        torch.testing.assert_close(update.direction, theirs, rtol=1e-6, atol=1e-6 * norms.max().item())
