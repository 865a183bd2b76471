import pytest
import torch
from matrices import gradient_cases
from sequences import assert_resumes, assert_same_state, double, golden_sequences
from torch import Tensor

from mtl.weighters import NashMTL, Update, Weighter

SOLVABLE = ("well", "badly", "conflict", "colinear", "identical", "tiny", "huge")


def update_of(rows: Tensor, max_norm: float = 0) -> Update:
    return NashMTL(len(rows), max_norm, update_every=1)(torch.ones(len(rows)), rows @ rows.T)


def residual(weights: Tensor, rows: Tensor) -> float:
    return (weights * (rows @ rows.T @ weights) - 1).abs().max().item()


def some_rows(index: int, tasks: int) -> Tensor:
    generator = torch.Generator().manual_seed(100 + index)
    return torch.randn(tasks, 12, generator=generator, dtype=torch.float64)


def test_by_hand():
    rows = double([[3.0, 0.0], [0.0, 4.0]])
    assert update_of(rows).weights.tolist() == pytest.approx([1 / 3, 1 / 4])
    assert update_of(rows).shared_weights is None


def test_clipping_by_hand():
    update = update_of(double([[3.0, 0.0], [0.0, 4.0]]), max_norm=0.5)  # unclipped the update is (1, 1)
    assert update.weights.tolist() == pytest.approx([1 / 3, 1 / 4])
    assert update.shared_weights.tolist() == pytest.approx([2**-1.5 / 3, 2**-1.5 / 4])


@pytest.mark.parametrize("case", SOLVABLE)
def test_every_task_gains_the_inverse_of_its_weight(case):
    rows = gradient_cases()[case]
    weights = update_of(rows).weights
    assert residual(weights, rows) < 1e-10
    assert (weights @ rows).norm().item() == pytest.approx(2)  # the root of the number of tasks


@pytest.mark.parametrize("case", SOLVABLE)
def test_no_unit_of_the_losses_changes_the_update(case):
    rows = gradient_cases()[case]
    scaled = rows * double([1.0, 10.0, 1e-2, 50.0])[:, None]
    update, same = update_of(rows).weights @ rows, update_of(scaled).weights @ scaled
    torch.testing.assert_close(same, update, rtol=1e-8, atol=1e-8)


@pytest.mark.parametrize("case", SOLVABLE)
def test_update_is_clipped_to_the_norm_and_the_weights_of_the_heads_are_not(case):
    rows = gradient_cases()[case]
    clipped, wide = update_of(rows, max_norm=1.0), update_of(rows, max_norm=3.0)
    assert (clipped.shared_weights @ rows).norm().item() == pytest.approx(1)
    assert torch.equal(clipped.weights, update_of(rows).weights)
    assert torch.equal(wide.shared_weights, wide.weights)


def test_identical_gradients_are_no_reason_to_keep_the_weights_of_one():
    cases = {c.id: c.values[1] for c in golden_sequences("nash_exact")}
    (case,) = [case for name, case in cases.items() if name.endswith("T2_P50_identical")]
    rows = double(case["J"])
    weights = update_of(rows).weights  # all references answer 1, which passes their test of the residual
    assert weights.tolist() == pytest.approx([2**-0.5 / rows[0].norm().item()] * 2)
    assert weights[0] < 0.1


def test_unequal_norms_are_solved():
    for ratio in (1e2, 1e4, 1e6):  # from 1e4 on the references miss the solution by up to 99 %
        rows = gradient_cases()["conflict"] * double([1.0, ratio, 1.0, 10.0])[:, None]
        assert residual(update_of(rows).weights, rows) < 1e-10


def test_vanished_gradient_keeps_weight_one_and_leaves_the_others_alone():
    rows, others = gradient_cases()["zero"], [0, 1, 3]
    weighter = NashMTL(4, 1.0, 1)
    update = weighter(torch.ones(4), rows @ rows.T)  # references give up and answer 1 to all
    assert update.weights[2] == 1
    torch.testing.assert_close(update.weights[others], update_of(rows[others]).weights)
    assert (update.shared_weights @ rows).norm().item() == pytest.approx(1)
    assert weighter.diagnostics() == {"solver_failures": 0}


def test_without_any_gradient_all_weights_are_one():
    update = NashMTL(3, 1.0, 1)(torch.ones(3), torch.zeros(3, 3))
    assert update.weights.tolist() == update.shared_weights.tolist() == [1, 1, 1]


def test_inactive_task_is_as_if_it_did_not_exist():
    active = torch.tensor([True, False, True, True])
    four, three = NashMTL(4, 1.0, 2), NashMTL(3, 1.0, 2)
    for index in range(4):
        rows = some_rows(index, 4)
        update = four(torch.ones(4), rows @ rows.T, active)
        expected = three(torch.ones(3), rows[active] @ rows[active].T)
        assert update.weights[1] == update.shared_weights[1] == 0
        torch.testing.assert_close(update.weights[active], expected.weights)
        torch.testing.assert_close(update.shared_weights[active], expected.shared_weights)
    assert four.solution[1] == 1


def test_cancelling_gradients_are_counted_and_get_the_last_weights():
    weighter, rows = NashMTL(4, 1.0, 1), gradient_cases()
    opposed = rows["opposed"] @ rows["opposed"].T
    assert weighter(torch.ones(4), opposed).weights.tolist() == [1] * 4
    last = weighter(torch.ones(4), rows["well"] @ rows["well"].T).weights
    update = weighter(torch.ones(4), opposed)
    assert torch.equal(update.weights, last)
    assert torch.equal(update.shared_weights, last)  # short as it is
    assert weighter.diagnostics() == {"solver_failures": 2}


def test_task_that_was_absent_keeps_its_old_weight():
    weighter = NashMTL(2, 0, 1)
    gramian = torch.diag(double([4.0, 25.0]))
    assert weighter(torch.ones(2), gramian).weights.tolist() == pytest.approx([0.5, 0.2])
    absent = torch.tensor([True, False])
    assert weighter(torch.ones(2), torch.diag(double([16.0, 0.0])), absent).weights.tolist() == pytest.approx([0.25, 0])
    assert weighter.solution.tolist() == pytest.approx([0.25, 0.2])


def test_solution_is_used_again_until_the_next_one_is_due():
    weighter = NashMTL(3, max_norm=1.0, update_every=3)
    for index in range(7):
        rows = some_rows(index, 3)
        update = weighter(torch.ones(3), rows @ rows.T)
        if index % 3 == 0:
            fresh = update.weights
            assert residual(fresh, rows) < 1e-10
        assert torch.equal(update.weights, fresh)
        assert (update.shared_weights @ rows).norm() <= 1 + 1e-12  # clipped with the gradients of today


@pytest.mark.parametrize("index", [0, 1, 2])
def test_step_without_an_active_task_leaves_no_trace(index):
    weighter, undisturbed = NashMTL(3, 1.0, 3), NashMTL(3, 1.0, 3)
    for step in range(6):
        if step == index:
            nothing = weighter(torch.zeros(3), torch.zeros(3, 3), torch.zeros(3, dtype=torch.bool))
            assert nothing.weights.tolist() == nothing.shared_weights.tolist() == [0, 0, 0]
        rows = some_rows(step, 3)
        expected = undisturbed(torch.ones(3), rows @ rows.T).weights
        assert torch.equal(weighter(torch.ones(3), rows @ rows.T).weights, expected)
    assert_same_state(weighter, undisturbed)


@pytest.mark.parametrize("update_every", [1, 3])
def test_resumed_run_goes_on_as_if_never_interrupted(update_every):
    def step(weighter: Weighter, index: int, losses: Tensor, active: Tensor | None) -> Tensor:
        rows = some_rows(index, len(losses))
        rows[1] = -rows[0] if index % 4 == 3 else rows[1]  # no solution
        return weighter(losses, rows @ rows.T, active).shared_weights

    assert_resumes(lambda: NashMTL(3, 1.0, update_every), step)


@pytest.mark.parametrize(
    ("max_norm", "update_every", "named"),
    [(-1.0, 1, "-1.0"), (float("nan"), 1, "nan"), (1.0, 0, "0"), (1.0, 1.5, "1.5")],
)
def test_bad_settings_are_refused_by_value(max_norm, update_every, named):
    with pytest.raises(ValueError, match=f"got {named}"):
        NashMTL(4, max_norm, update_every)


@pytest.mark.parametrize(("file", "case"), golden_sequences("nash_exact"))
def test_exact_solution(file, case):
    if "error" in case["expected"]:  # a zero row, which has no solution and which we leave out
        return
    rows = double(case["J"])
    weights = update_of(rows).weights
    torch.testing.assert_close(weights, double(case["expected"]["weights"]), rtol=1e-10, atol=0)
    assert residual(weights, rows) < 1e-10


@pytest.mark.parametrize(("file", "case"), golden_sequences("nashmtl"))
def test_golden(file, case):
    if case["kind"] not in ("well", "conflict", "colinear"):
        return  # elsewhere the references do not solve the equation: regression tests above
    rows, max_norm = double(case["J"]), file["hyperparameters"]["max_norm"]
    weights, shared, *_ = update_of(rows, max_norm)
    torch.testing.assert_close(weights, double(case["expected"]["weights"]), rtol=5e-6, atol=0)
    update, recorded = (weights if shared is None else shared) @ rows, double(case["expected"]["grad"])
    assert (update - recorded).norm() <= 5e-6 * recorded.norm()  # torch's clipping adds 1e-6 to the norm


@pytest.mark.parametrize(("file", "case"), golden_sequences("nashmtl_seq"))
def test_golden_sequence(file, case):
    every = file["hyperparameters"]["every"]
    weighter, compared = NashMTL(case["T"], 0, every), 0
    for index, (rows, expected) in enumerate(zip(case["J"], case["expected"], strict=True)):
        given = double(rows)
        recorded = double(expected["grad"])
        if index % every == 0:
            solved = abs(recorded @ recorded - case["T"]) < 1e-3  # true of solutions; on badly scaled rows theirs fails
        weights = weighter(torch.ones(case["T"]), given @ given.T).weights
        if solved:
            assert (weights @ given - recorded).norm() < 1e-5 * recorded.norm()
            if "weights" in expected:
                torch.testing.assert_close(weights, double(expected["weights"]), rtol=1e-5, atol=0)
            compared += 1
    assert compared >= 3
