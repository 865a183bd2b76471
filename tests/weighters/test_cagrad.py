import pytest
import torch
from matrices import gradient_cases
from sequences import double, golden_sequences
from torch import Tensor

from mtl.weighters import CAGrad
from mtl.weighters.solvers import NotSolvedError

SOLVABLE = ("well", "badly", "conflict", "colinear", "identical", "tiny", "huge")


def coefficients_of(rows: Tensor, c: float = 0.4, rescale: int = 0) -> Tensor:
    return CAGrad(len(rows), c, rescale)(torch.ones(len(rows)), rows @ rows.T).shared_weights


def worst(rows: Tensor, direction: Tensor) -> float:
    """Decrease of the worst-improved task."""
    return (rows @ direction).min().item()


@pytest.mark.parametrize(("rescale", "divisor"), [(0, 1.0), (1, 1.25), (2, 1.5)])
def test_by_hand_orthogonal_gradients_lengthen_their_mean(rescale, divisor):
    coefficients = coefficients_of(double([[1.0, 0.0], [0.0, 1.0]]), c=0.5, rescale=rescale)
    assert coefficients.tolist() == pytest.approx([0.75 / divisor] * 2)


def test_by_hand_conflicting_gradients():
    # g0 = (0, .5); (.4, .8) = g0 + (.4, .3) is on the ball of radius .5 and gives .4 to both tasks
    assert coefficients_of(double([[1.0, 0.0], [-1.0, 1.0]]), c=1.0).tolist() == pytest.approx([1.2, 0.8])


@pytest.mark.parametrize("c", [0.1, 0.4, 0.8, 1.5])
@pytest.mark.parametrize("case", SOLVABLE)
def test_no_direction_in_the_ball_serves_the_worst_served_task_better(case, c):
    rows = gradient_cases()[case]
    mean = rows.mean(0)
    direction = coefficients_of(rows, c) @ rows
    radius = c * mean.norm()
    assert (direction - mean).norm().item() == pytest.approx(radius.item(), rel=1e-6)
    draws = torch.randn(500, len(mean), generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    # towards single gradients and the update itself, too: random directions alone are far from the best one
    draws = torch.cat([draws, rows / rows.norm(dim=1, keepdim=True), direction + 0.1 * direction.norm() * draws])
    others = mean + radius * draws / draws.norm(dim=1, keepdim=True)
    best = max(worst(rows, other) for other in others)
    tolerance = 1e-9 * rows.norm(dim=1).min().item() * mean.norm().item()
    assert worst(rows, direction) >= best - tolerance
    assert worst(rows, direction) >= worst(rows, mean) - tolerance


@pytest.mark.parametrize("case", [c for c in gradient_cases() if "zero" not in c])
def test_without_a_radius_it_is_the_mean_gradient(case):
    assert coefficients_of(gradient_cases()[case], c=0).tolist() == [0.25] * 4


@pytest.mark.parametrize("scale", [1e-12, 1e-3, 1e12])
def test_coefficients_do_not_depend_on_a_common_scale(scale):
    rows = gradient_cases()["conflict"]
    torch.testing.assert_close(coefficients_of(rows * scale), coefficients_of(rows), rtol=1e-10, atol=0)


def test_where_the_gradients_cancel_the_update_is_their_mean():
    rows = gradient_cases()["opposed"]
    assert coefficients_of(rows).tolist() == [0.25] * 4
    rows = double(
        [[2.0, 0.0], [-1.0, 0.0], [0.0, 3.0]]
    )  # g0 is not zero, but no direction near it serves the first two
    assert coefficients_of(rows, c=0.6).tolist() == pytest.approx([1 / 3] * 3)


def test_badly_scaled_gradients_move_it_away_from_the_mean():
    rows = gradient_cases()["badly"]  # SLSQP ends at w = 1/T here, and TorchJD at the zero vector
    multipliers = coefficients_of(rows) - 0.25
    assert multipliers[2] > 100 * multipliers[[0, 1, 3]].max()  # the shortest gradient is the worst served
    assert (rows[2] @ (coefficients_of(rows) @ rows)) > 0


def test_equal_gradients_share_equally():
    torch.testing.assert_close(coefficients_of(gradient_cases()["identical"]), double([0.35] * 4))
    coefficients = coefficients_of(double([[1.0, 0.0], [-2.0, 2.0], [1.0, 0.0]]))
    assert coefficients[0] == coefficients[2] > 1 / 3


def test_vanished_gradient_weighs_as_under_uniform_weights_and_leaves_the_others_alone():
    rows, others = gradient_cases()["zero"], [0, 1, 3]
    coefficients = coefficients_of(rows)
    assert coefficients[2] == 0.25
    torch.testing.assert_close(4 * coefficients[others], 3 * coefficients_of(rows[others]))  # the mean is over four


def test_without_any_gradient_all_weights_are_equal():
    assert coefficients_of(torch.zeros(4, 5)).tolist() == [0.25] * 4


def test_inactive_task_is_as_if_it_did_not_exist():
    rows, active = gradient_cases()["conflict"], torch.tensor([True, False, True, True])
    coefficients = CAGrad(4, 0.4, 1)(torch.ones(4), rows @ rows.T, active).shared_weights
    assert coefficients[1] == 0
    torch.testing.assert_close(coefficients[active], coefficients_of(rows[active], rescale=1))


def test_weighted_heads_would_get_the_coefficients():
    rows = gradient_cases()["conflict"]
    update = CAGrad(4, 0.4, 1)(torch.ones(4), rows @ rows.T)
    assert torch.equal(update.weights, update.shared_weights)


def test_failure_is_counted_and_gives_the_mean_gradient(monkeypatch):
    def fail(*_: object) -> None:
        raise NotSolvedError("no")

    monkeypatch.setattr("mtl.weighters.cagrad.conflict_averse", fail)
    weighter, rows = CAGrad(4, 0.4, 2), gradient_cases()["well"]
    assert weighter(torch.ones(4), rows @ rows.T).shared_weights.tolist() == pytest.approx([0.25 / 1.4] * 4)
    assert weighter.diagnostics() == {"solver_failures": 1}


@pytest.mark.parametrize(("c", "rescale"), [(-0.1, 1), (float("nan"), 1), (float("inf"), 1), (0.4, 3)])
def test_bad_settings_are_refused_by_value(c, rescale):
    with pytest.raises(ValueError, match=str(rescale if rescale == 3 else c)):
        CAGrad(4, c, rescale)


RESCALE = {"TorchJD": 0, "CAGrad": 0}  # the others have 1 where their files do not say
TIMES_T = ("nash-mtl", "FAMO")


@pytest.mark.parametrize(("file", "case"), golden_sequences("cagrad"))
def test_golden(file, case):
    if case["kind"] == "zero":  # the sources keep the row, which makes their update the mean, or 0 (TorchJD)
        return
    source, options = file["source"], file["hyperparameters"]
    rows, c = double(case["J"]), options["c"]
    coefficients = coefficients_of(rows, c, options.get("rescale", RESCALE.get(source, 1)))
    recorded = double(case["expected"]["grad"]) / (case["T"] if source in TIMES_T else 1)
    direction = coefficients @ rows
    if recorded.any():  # theirs serve the worst-served task no better, but for the 1e-8 that they add to lengths
        slack = 1e-5 * direction.norm().item() * rows.norm(dim=1).min().item()
        assert worst(rows, direction) >= worst(rows, recorded) - slack
    if case["kind"] != "badly":  # there, SLSQP stops at its start and TorchJD returns 0
        assert (direction - recorded).norm() < 2e-3 * direction.norm()  # the dual is flat, and they stop early
    elif source == "TorchJD" and recorded.any():
        assert (direction - recorded).norm() < 1e-4 * direction.norm()


@pytest.mark.parametrize(("file", "case"), golden_sequences("cagrad_allparams"))
def test_golden_with_heads_in_the_gramian(file, case):
    rows = double(case["J"])
    # VICO takes the gradients of the heads in, here of norm 1 each, and applies the coefficients to them, too
    gramian = rows @ rows.T + torch.eye(len(rows))
    coefficients = CAGrad(len(rows), file["hyperparameters"]["c"], 1)(torch.ones(len(rows)), gramian).weights
    if case["kind"] == "badly":
        return
    recorded = double(case["expected"]["grad"])
    assert (coefficients @ rows - recorded).norm() < 2e-3 * recorded.norm() + 1e-12
    torch.testing.assert_close(coefficients, double(case["expected"]["head_scale"]), rtol=1e-3, atol=1e-5)
