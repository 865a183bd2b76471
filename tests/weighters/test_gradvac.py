import math

import pytest
import torch
import torchjd.aggregation as library
from matrices import gradient_cases
from sequences import assert_same_state, double, golden_sequences
from torch import Tensor

from mtl.weighters import GradVac, PCGrad


class Ordered(GradVac):
    """GradVac with an order given by the test."""

    reverse = False

    def draw_orders(self) -> Tensor:
        orders = [[j for j in range(self.num_tasks) if j != i] for i in range(self.num_tasks)]
        return torch.tensor([order[::-1] if self.reverse else order for order in orders])


def ordered(tasks: int, beta: float = 0.5, reverse: bool = False) -> Ordered:
    weighter = Ordered(tasks, beta)
    weighter.reverse = reverse
    return weighter


def coefficients(weighter: GradVac, rows: Tensor, active: Tensor | None = None) -> Tensor:
    return weighter(torch.ones(len(rows)), rows @ rows.T, active).shared_weights


def test_by_hand():
    weighter, rows = ordered(2), double([[1.0, 0.0], [-1.0, 1.0]])  # turned: (1/2, 1/2) and (0, 1)
    assert coefficients(weighter, rows).tolist() == pytest.approx([2, 1.5])
    cosine = -1 / math.sqrt(2)
    torch.testing.assert_close(weighter.targets, cosine / 2 * (1 - torch.eye(2).double()))


def test_turned_gradient_has_the_cosine_of_its_target():
    weighter, rows = ordered(2), double([[2.0, 0.0], [1.0, 3.0]])
    weighter.targets = double([[0.0, 0.8], [0.0, 0.0]])
    added = coefficients(weighter, rows)[1] - 1
    assert torch.cosine_similarity(rows[0] + added * rows[1], rows[1], dim=0).item() == pytest.approx(0.8)


@pytest.mark.parametrize("case", [case for case in gradient_cases() if case != "opposed"])  # a v cancels: not turned
def test_first_step_is_pcgrad(case):
    rows = gradient_cases()[case]
    torch.testing.assert_close(
        coefficients(GradVac(4, 0.5, seed=3), rows), coefficients(PCGrad(4, "sum", seed=3), rows), rtol=1e-6, atol=1e-6
    )


@pytest.mark.parametrize("case", ["well", "conflict"])
def test_every_step_gives_what_turning_the_gradients_gives(case):
    weighter, targets = ordered(4), torch.zeros(4, 4).double()
    generator = torch.Generator().manual_seed(0)
    for _ in range(5):
        rows = gradient_cases()[case] + 0.5 * torch.randn(4, 12, generator=generator, dtype=torch.float64)
        turned = rows.clone()
        for i in range(4):
            for j in [j for j in range(4) if j != i]:
                p, phi = torch.cosine_similarity(turned[i], rows[j], dim=0), targets[i, j].clone()
                if p < phi:
                    sines = (1 - p**2).sqrt(), (1 - phi**2).sqrt()
                    step = turned[i].norm() * (phi * sines[0] - p * sines[1]) / rows[j].norm() / sines[1]
                    turned[i] += step * rows[j]
                targets[i, j] = 0.5 * phi + 0.5 * p
        torch.testing.assert_close(coefficients(weighter, rows) @ rows, turned.sum(0), rtol=1e-10, atol=1e-10)
        torch.testing.assert_close(weighter.targets, targets, rtol=1e-10, atol=1e-10)


def test_gradients_that_cancel_or_vanish_leave_their_targets():
    weighter = ordered(3)
    coefficients(weighter, double([[1.0, 0.0], [-2.0, 0.0], [0.0, 0.0]]))
    assert weighter.targets.tolist() == [[0, pytest.approx(-0.5), 0], [pytest.approx(-0.5), 0, 0], [0, 0, 0]]
    coefficients(weighter, double([[1.0, 0.0], [-2.0, 0.0], [0.0, 1.0]]))
    assert weighter.targets[0, 2] == 0  # v has cancelled by then


def test_inactive_task_is_as_if_it_did_not_exist():
    four, three, active = ordered(4), ordered(3), torch.tensor([True, False, True, True])
    for case in ("conflict", "well", "conflict"):
        rows = gradient_cases()[case]
        found = coefficients(four, rows, active)
        assert found[1] == 0
        torch.testing.assert_close(found[active], coefficients(three, rows[active]))
    torch.testing.assert_close(four.targets[active][:, active], three.targets)
    assert not four.targets[1].any()
    assert not four.targets[:, 1].any()


@pytest.mark.parametrize("case", gradient_cases())
def test_coefficients_are_finite_after_gradients_that_were_identical(case):
    weighter = ordered(4)
    for name in [*["identical"] * 40, case]:
        assert coefficients(weighter, gradient_cases()[name]).float().isfinite().all()


def test_saved_state_resumes_and_a_skipped_step_leaves_no_trace():
    undisturbed, resumed = GradVac(4, 0.5), GradVac(4, 0.5)
    for case in ("well", "conflict", "well", "conflict"):
        rows, saved = gradient_cases()[case], {key: value.clone() for key, value in resumed.state_dict().items()}
        coefficients(resumed, 3 * rows + 1)
        resumed = GradVac(4, 0.5)
        resumed.load_state_dict(saved)
        assert torch.equal(coefficients(resumed, rows), coefficients(undisturbed, rows))
    assert_same_state(resumed, undisturbed)


@pytest.mark.parametrize("beta", [-0.1, 1.5, float("nan")])
def test_beta_that_is_no_share_is_refused_by_value(beta):
    with pytest.raises(ValueError, match=f"beta must be from 0 to 1, got {beta}"):
        GradVac(2, beta)


@pytest.mark.parametrize(("file", "case"), golden_sequences("gradvac"))
def test_golden_of_a_first_step(file, case):
    rows = double(case["J"])
    weighter = ordered(case["T"], file["hyperparameters"]["beta"], file["hyperparameters"]["order"] == "reverse")
    assert_near(coefficients(weighter, rows) @ rows, double(case["expected"]["grad"]))


@pytest.mark.parametrize(("file", "case"), golden_sequences("gradvac_seq"))
def test_golden(file, case):
    weighter = ordered(case["T"], file["hyperparameters"]["beta"])
    for rows, expected in zip(double(case["J"]), case["expected"], strict=True):
        assert_near(coefficients(weighter, rows) @ rows, double(expected["grad"]))
        assert_near(weighter.targets, double(expected["phi"]))


def assert_near(found: Tensor, expected: Tensor) -> None:
    """Both sources add 1e-8 to denominators."""
    torch.testing.assert_close(found, expected, rtol=1e-7, atol=1e-7 * expected.abs().max().clamp(min=1).item())


@pytest.mark.parametrize("beta", [0.01, 0.5])
def test_without_its_constant_torchjd_gives_the_same(beta):
    ours, theirs = ordered(2, beta), library.GradVac(beta=beta, eps=0.0).gramian_weighting  # two tasks: no random order
    for rows in torch.randn(12, 2, 5, generator=torch.Generator().manual_seed(5), dtype=torch.float64):
        torch.testing.assert_close(coefficients(ours, rows), theirs(rows @ rows.T), rtol=1e-10, atol=1e-10)
