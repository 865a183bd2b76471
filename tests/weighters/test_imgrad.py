import pytest
import torch
from matrices import gradient_cases
from sequences import double, golden_sequences
from torch import Tensor

from mtl.weighters import IMGrad
from mtl.weighters.solvers import NotSolvedError


def coefficients_of(rows: Tensor, c: float = 0.8, rescale: int = 1) -> Tensor:
    return IMGrad(len(rows), c, rescale)(torch.ones(len(rows)), rows @ rows.T).shared_weights


@pytest.mark.parametrize(
    ("rows", "c", "expected"),
    [
        ([[1.0, 0.0], [0.0, 2.0]], 0.8, [0.850260, 0.304878]),
        ([[1.0, 0.0], [0.0, 2.0]], 0.4, [0.816563, 0.431034]),
        ([[1.0, 0.0], [-0.5, 1.0]], 0.8, [0.580752, 0.519056]),
    ],
)
def test_by_hand(rows, c, expected):
    assert coefficients_of(double(rows), c).tolist() == pytest.approx(expected, abs=1e-6)


def test_orthogonal_gradients_of_equal_length_stay_symmetric():
    rows = torch.eye(3).double()  # the shortest combination is the mean: mu = 1, w = 1/3
    assert coefficients_of(rows, rescale=0).tolist() == pytest.approx([1.8 / 3] * 3)


@pytest.mark.parametrize("case", ["well", "badly", "conflict", "colinear"])
def test_without_a_radius_it_is_the_mean_gradient(case):
    assert coefficients_of(gradient_cases()[case], c=0).tolist() == pytest.approx([0.25] * 4, rel=1e-9)


@pytest.mark.parametrize(("rescale", "divisor"), [(0, 1.0), (1, 1.64), (2, 1.8)])
def test_equal_gradients_are_lengthened_together(rescale, divisor):
    rows = gradient_cases()["identical"]
    assert coefficients_of(rows, rescale=rescale).tolist() == pytest.approx([1.8 / 4 / divisor] * 4)


@pytest.mark.parametrize("case", ["well", "badly", "conflict", "colinear", "tiny", "huge"])
def test_direction_is_as_far_from_the_mean_as_c_says(case):
    rows = gradient_cases()[case]
    mean = rows.mean(0)
    direction = coefficients_of(rows, c=0.3, rescale=0) @ rows
    assert (direction - mean).norm().item() == pytest.approx(0.3 * mean.norm().item(), rel=1e-6)


def test_where_a_combination_is_zero_the_worst_served_task_is_added():
    rows = double([[2.0, 0.0], [-1.0, 0.0], [0.0, 3.0]])  # mean (1/3, 1), which only the second gradient opposes
    direction = coefficients_of(rows, c=0.5, rescale=0) @ rows
    length = rows.mean(0).norm().item()
    assert direction.tolist() == pytest.approx([1 / 3 - 0.5 * length, 1], rel=1e-5)


def test_where_the_mean_is_zero_it_stays_the_mean():
    rows = gradient_cases()["opposed"]
    assert coefficients_of(rows, rescale=0).tolist() == pytest.approx([0.25] * 4, rel=1e-9)


def test_vanished_gradient_weighs_as_under_uniform_weights_and_leaves_the_others_alone():
    rows, others = gradient_cases()["zero"], [0, 1, 3]
    coefficients = coefficients_of(rows, rescale=0)
    assert coefficients[2] == 0.25
    torch.testing.assert_close(4 * coefficients[others], 3 * coefficients_of(rows[others], rescale=0))


def test_failure_is_counted_and_gives_the_mean_gradient(monkeypatch):
    def fail(*_: object) -> None:
        raise NotSolvedError("no")

    monkeypatch.setattr("mtl.weighters.imgrad.min_norm", fail)
    weighter, rows = IMGrad(4, 0.8, 0), gradient_cases()["well"]
    assert weighter(torch.ones(4), rows @ rows.T).shared_weights.tolist() == [0.25] * 4
    assert weighter.diagnostics() == {"solver_failures": 1}


@pytest.mark.parametrize(("file", "case"), golden_sequences("imgrad_exact"))
def test_golden(file, case):
    rows, expected, options = double(case["J"]), case["expected"], file["hyperparameters"]
    coefficients = coefficients_of(rows, options["c"], options["rescale"])
    torch.testing.assert_close(coefficients, double(expected["weights"]), rtol=1e-8, atol=1e-8)
    grad = double(expected["grad"])
    assert (coefficients @ rows - grad).norm() < 1e-8 * grad.norm()


@pytest.mark.parametrize(("file", "case"), golden_sequences("imgrad"))
def test_golden_of_the_authors(file, case):
    if case["kind"] == "badly":  # their solver stops after one round
        return
    rows, options, grad = double(case["J"]), file["hyperparameters"], double(case["expected"]["grad"])
    direction = coefficients_of(rows, options["c"], options["rescale"]) @ rows
    assert (direction - grad).norm() < {"conflict": 2e-2}.get(case["kind"], 1e-3) * grad.norm()
