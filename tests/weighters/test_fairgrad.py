import pytest
import torch
from matrices import gradient_cases
from sequences import assert_same_state, double, golden_sequences
from torch import Tensor

from mtl.weighters import FairGrad, NashMTL

SOLVABLE = ("well", "badly", "conflict", "colinear", "identical", "tiny", "huge")
ALPHAS = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)


def weights_of(rows: Tensor, alpha: float = 2.0) -> Tensor:
    return FairGrad(len(rows), alpha)(torch.ones(len(rows)), rows @ rows.T).weights


def residual(weights: Tensor, rows: Tensor, alpha: float) -> float:
    return ((rows @ rows.T @ weights) * weights ** (1 / alpha) - 1).abs().max().item()


@pytest.mark.parametrize(("alpha", "expected"), [(0.5, 1 / 4), (1.0, 1 / 8), (2.0, 1 / 16)])
def test_by_hand(alpha, expected):
    rows = double([[8.0, 0.0], [0.0, 1.0]])  # orthogonal: 64 w = w^(-1 / alpha)
    assert weights_of(rows, alpha).tolist() == pytest.approx([expected, 1])


@pytest.mark.parametrize("alpha", ALPHAS)
@pytest.mark.parametrize("case", SOLVABLE)
def test_weights_solve_the_equation(case, alpha):
    rows = gradient_cases()[case]
    weights = weights_of(rows, alpha)
    entitled = weights ** (-1 / alpha)
    rounding = 1e-15 * ((rows @ rows.T).abs() @ weights / entitled).max().item()  # at alpha = 10, w is from 1 to 1e40
    assert residual(weights, rows, alpha) <= max(1e-10, rounding)
    assert rounding < 1e-10 or not 0.5 <= alpha <= 2


@pytest.mark.parametrize("alpha", ALPHAS)
def test_weights_follow_a_common_scale(alpha):
    rows = gradient_cases()["conflict"]
    expected = weights_of(rows, alpha) * 1e6 ** (-2 * alpha / (1 + alpha))
    torch.testing.assert_close(weights_of(rows * 1e6, alpha), expected, rtol=1e-9, atol=0)


@pytest.mark.parametrize("case", gradient_cases())
def test_alpha_one_is_nash(case):
    rows = gradient_cases()[case]
    nash = NashMTL(4, max_norm=0, update_every=1)(torch.ones(4), rows @ rows.T).weights
    assert torch.equal(weights_of(rows, alpha=1.0), nash)


def test_badly_scaled_pair_is_solved():
    (case,) = [c.values[1] for c in golden_sequences("fairgrad_exact") if c.id.endswith("alpha-0.5-T2_P10_badly")]
    # with alpha 1, least squares from 1/T end with a residual of 14.8, and with alpha 0.5 of 1e5
    for alpha in (0.5, 1.0, 2.0):
        assert residual(weights_of(double(case["J"]), alpha), double(case["J"]), alpha) < 1e-10


def test_vanished_gradient_keeps_weight_one_and_leaves_the_others_alone():
    rows, others = gradient_cases()["zero"], [0, 1, 3]
    weighter = FairGrad(4, 2.0)
    weights = weighter(torch.ones(4), rows @ rows.T).weights  # least squares give it a weight of 9e3
    assert weights[2] == 1
    torch.testing.assert_close(weights[others], weights_of(rows[others]))
    assert weighter.diagnostics() == {"solver_failures": 0}


def test_without_any_gradient_all_weights_are_one():
    weighter = FairGrad(3, 2.0)
    assert weighter(torch.ones(3), torch.zeros(3, 3)).weights.tolist() == [1, 1, 1]
    assert weighter.diagnostics() == {"solver_failures": 0}


def test_inactive_task_is_as_if_it_did_not_exist():
    rows, active = gradient_cases()["conflict"], torch.tensor([True, False, True, True])
    weights = FairGrad(4, 2.0)(torch.ones(4), rows @ rows.T, active).weights
    assert weights[1] == 0
    torch.testing.assert_close(weights[active], weights_of(rows[active]))


@pytest.mark.parametrize("alpha", ALPHAS)
def test_cancelling_gradients_are_counted_and_get_the_last_weights(alpha):
    weighter, rows = FairGrad(4, alpha), gradient_cases()
    opposed = rows["opposed"] @ rows["opposed"].T
    assert weighter(torch.ones(4), opposed).weights.tolist() == [1] * 4  # there are none yet
    last = weighter(torch.ones(4), rows["well"] @ rows["well"].T).weights
    assert torch.equal(weighter(torch.ones(4), opposed).weights, last)
    assert weighter.diagnostics() == {"solver_failures": 2}
    resumed = FairGrad(4, alpha)
    resumed.load_state_dict(weighter.state_dict())
    assert torch.equal(resumed(torch.ones(4), opposed).weights, last)
    assert resumed.diagnostics() == {"solver_failures": 3}


def test_weights_beyond_float64_are_a_failure():
    weighter = FairGrad(2, 1.0)
    assert weighter(torch.ones(2), torch.eye(2).double() * 1e300).weights.tolist() == pytest.approx([1e-150] * 2)
    weighter = FairGrad(2, 1e-3)
    assert torch.isfinite(weighter(torch.ones(2), torch.diag(double([1e-24, 1e24]))).weights).all()


def test_no_active_task_leaves_the_state_alone():
    weighter, rows = FairGrad(4, 2.0), gradient_cases()["well"]
    weighter(torch.ones(4), rows @ rows.T)
    other = FairGrad(4, 2.0)
    other.load_state_dict(weighter.state_dict())
    update = weighter(torch.zeros(4), torch.zeros(4, 4), torch.zeros(4, dtype=torch.bool))
    assert update.weights.tolist() == [0] * 4
    assert_same_state(weighter, other)


@pytest.mark.parametrize("alpha", [0.0, -1.0, float("inf"), float("nan")])
def test_bad_alpha_is_refused_by_value(alpha):
    with pytest.raises(ValueError, match=str(alpha)):
        FairGrad(4, alpha)


@pytest.mark.parametrize(("file", "case"), golden_sequences("fairgrad_exact"))
def test_exact_solution(file, case):
    if "error" in case["expected"]:  # a zero row, which has no solution and which we leave out
        return
    rows, alpha = double(case["J"]), file["hyperparameters"]["alpha"]
    weights = weights_of(rows, alpha)
    torch.testing.assert_close(weights, double(case["expected"]["weights"]), rtol=1e-8, atol=0)
    assert residual(weights, rows, alpha) < 1e-10


@pytest.mark.parametrize(("file", "case"), golden_sequences("fairgrad"))
def test_golden(file, case):
    rows, alpha, expected = double(case["J"]), file["hyperparameters"]["alpha"], case["expected"]
    weights = weights_of(rows, alpha)
    there = rows.norm(dim=1) > 0
    if residual(double(expected["weights"])[there], rows[there], alpha) > 1e-4:
        assert case["id"] == "T2_P10_badly"  # theirs is no solution; ours is, as tested above
        return
    torch.testing.assert_close(weights[there], double(expected["weights"])[there], rtol=1e-6, atol=0)
    update = double(expected["grad"]) / (case["T"] if file["source"] == "fairgrad" else 1)  # multiplied by T there
    assert (weights @ rows - update).norm() <= 1e-6 * update.norm()
