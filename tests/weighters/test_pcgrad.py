import itertools
from fractions import Fraction

import pytest
import torch
from matrices import gradient_cases
from sequences import double, golden_sequences
from torch import Tensor

from mtl.weighters import PCGrad


class Ordered(PCGrad):
    """PCGrad with projection orders given by the test."""

    orders: Tensor

    def draw_orders(self) -> Tensor:
        return self.orders


def ordered(orders: list) -> Ordered:
    weighter = Ordered(len(orders), "sum")
    weighter.orders = torch.tensor(orders)
    return weighter


def others(tasks: int) -> list[list[int]]:
    return [[j for j in range(tasks) if j != i] for i in range(tasks)]


def all_orders(tasks: int) -> list:
    """Every way to order the projections of every task."""
    return list(itertools.product(*(itertools.permutations(row) for row in others(tasks))))


def coefficients(weighter: PCGrad, rows: Tensor, active: Tensor | None = None) -> Tensor:
    return weighter(torch.ones(len(rows)), rows @ rows.T, active).shared_weights


def projected(rows: Tensor, orders: list) -> Tensor:
    """The method on the gradients themselves. Shape [P]."""
    kept = rows.clone()
    for i, order in enumerate(orders):
        for j in order:
            kept[i] -= min(kept[i] @ rows[j], 0) / (rows[j] @ rows[j]) * rows[j]
    return kept.sum(0)


def test_by_hand():
    rows = double([[1.0, 0.0], [-1.0, 1.0]])  # projected: (1/2, 1/2) and (0, 1)
    update = PCGrad(2, "sum")(torch.ones(2), rows @ rows.T)
    assert update.shared_weights.tolist() == pytest.approx([2, 1.5])
    assert update.weights.tolist() == [1, 1]  # heads are not weighted


@pytest.mark.parametrize("case", ["well", "conflict", "opposed", "badly"])
@pytest.mark.parametrize("tasks", [2, 3])
def test_every_order_gives_what_projecting_the_gradients_gives(tasks, case):
    rows = gradient_cases()[case][:tasks]
    for orders in all_orders(tasks):
        torch.testing.assert_close(coefficients(ordered(orders), rows) @ rows, projected(rows, orders))


@pytest.mark.parametrize("case", ["well", "conflict"])
def test_random_orders_average_to_the_mean_over_all_orders(case):
    rows = gradient_cases()[case][[0, 1, 3]]
    outcomes = torch.stack([coefficients(ordered(orders), rows) for orders in all_orders(3)])
    weighter, draws = PCGrad(3, "sum"), 3000
    mean = torch.stack([coefficients(weighter, rows) for _ in range(draws)]).mean(0)
    error = 4 * outcomes.std(0, correction=0) / draws**0.5 + 1e-9
    assert ((mean - outcomes.mean(0)).abs() <= error).all()


def test_without_conflict_the_update_is_the_sum():
    rows = gradient_cases()["well"].abs()
    assert coefficients(PCGrad(4, "sum"), rows).tolist() == [1, 1, 1, 1]


def test_two_projected_gradients_conflict_with_neither():
    rows = gradient_cases()["conflict"][:2]
    update = coefficients(PCGrad(2, "sum"), rows) @ rows
    assert (rows @ update >= -1e-9).all()


def test_opposed_gradients_cancel():
    rows = gradient_cases()["opposed"][:2] * double([[1.0], [1e6]])
    assert (coefficients(PCGrad(2, "sum"), rows) @ rows).abs().max() < 1e-9


def test_coefficients_are_exact_at_a_norm_ratio_of_a_million():
    rows = [[3, 1, 2], [-2_000_000, 1_000_000, 500_000], [1, -4, 1]]
    product = lambda a, b: sum(Fraction(x) * y for x, y in zip(a, b, strict=True))  # noqa: E731
    total = [Fraction(1)] * 3
    for i, order in enumerate(others(3)):
        v = rows[i]
        for j in order:
            if (found := product(v, rows[j])) < 0:
                step = -found / product(rows[j], rows[j])
                v, total[j] = [a + step * b for a, b in zip(v, rows[j], strict=True)], total[j] + step
    found = coefficients(ordered(others(3)), double(rows))
    torch.testing.assert_close(found, double([float(x) for x in total]), rtol=1e-13, atol=0)


def test_mean_is_the_sum_over_the_number_of_active_tasks():
    rows, active = gradient_cases()["conflict"], torch.tensor([True, True, False, True])
    for mask, count in ((None, 4), (active, 3)):
        total, mean = (coefficients(PCGrad(4, reduction), rows, mask) for reduction in ("sum", "mean"))
        torch.testing.assert_close(mean * count, total)


def test_reduction_that_is_neither_is_refused():
    with pytest.raises(ValueError, match="average"):  # a reference takes the mean for any word
        PCGrad(2, "average")


def test_order_is_a_permutation_of_the_others_and_all_are_as_likely():
    weighter, counts = PCGrad(4, "sum"), {}
    for _ in range(1200):
        orders = weighter.draw_orders()
        assert orders.sort(1).values.tolist() == others(4)
        counts[tuple(orders[1].tolist())] = counts.get(tuple(orders[1].tolist()), 0) + 1
    assert set(counts) == set(itertools.permutations([0, 2, 3]))
    assert all(abs(count - 200) < 4 * (200 * 5 / 6) ** 0.5 for count in counts.values())
    assert PCGrad(1, "sum").draw_orders().shape == (1, 0)


def test_orders_depend_on_the_seed_and_the_saved_state_alone():
    first, second, other = PCGrad(5, "sum", seed=3), PCGrad(5, "sum", seed=3), PCGrad(5, "sum", seed=4)
    first.draw_orders()
    torch.manual_seed(0)
    second.load_state_dict(first.state_dict())
    drawn = torch.stack([first.draw_orders() for _ in range(3)])
    torch.manual_seed(1)
    assert torch.equal(drawn, torch.stack([second.draw_orders() for _ in range(3)]))
    assert not torch.equal(drawn, torch.stack([other.draw_orders() for _ in range(3)]))


def test_inactive_task_is_as_if_it_did_not_exist():
    rows, active = gradient_cases()["conflict"], torch.tensor([True, False, True, True])
    found = coefficients(ordered(others(4)), rows, active)
    assert found[1] == 0
    torch.testing.assert_close(found[active], coefficients(ordered(others(3)), rows[active]))


def test_no_active_task_draws_nothing():
    weighter = PCGrad(3, "mean")
    before = weighter.generator.get_state()
    update = weighter(torch.zeros(3), torch.zeros(3, 3), torch.zeros(3, dtype=torch.bool))
    assert update.weights.tolist() == update.shared_weights.tolist() == [0, 0, 0]
    assert torch.equal(weighter.generator.get_state(), before)


@pytest.mark.parametrize("case", gradient_cases())
def test_coefficients_are_finite_and_one_or_more(case):
    found = coefficients(PCGrad(4, "sum"), gradient_cases()[case])
    assert torch.isfinite(found).all()
    assert (found >= 1).all()


def test_vanished_gradient_neither_projects_nor_is_projected_off():
    rows, rest = gradient_cases()["zero"], [0, 1, 3]
    found = coefficients(ordered(others(4)), rows)
    assert found[2] == 1
    torch.testing.assert_close(found[rest], coefficients(ordered(others(3)), rows[rest]))


@pytest.mark.parametrize(("file", "case"), [*golden_sequences("pcgrad"), *golden_sequences("pcgrad_allparams")])
def test_golden(file, case):
    rows, expected, tasks = double(case["J"]), case["expected"], case["T"]
    orders = others(tasks)
    if file["hyperparameters"]["order"] == "reverse":
        orders = [order[::-1] for order in orders]
    gramian = rows @ rows.T
    whole = file["method"] == "pcgrad_allparams"
    if whole:  # VICO projects the heads' gradients (here of length 1) along with the shared ones, and takes the mean
        gramian, expected["weights"] = gramian + torch.eye(tasks).double(), expected["head_scale"]
    found = ordered(orders)(torch.ones(tasks), gramian).shared_weights / (tasks if whole else 1)
    if expected["weights"]:
        # LibMTL, nash-mtl and VICO add 1e-8 to a denominator
        torch.testing.assert_close(found, double(expected["weights"]), **close(file))
    torch.testing.assert_close(found @ rows, double(expected["grad"]), **close(file))


def close(file: dict) -> dict[str, float]:
    """TorchJD divides by the squared norm; the others add 1e-8 to it."""
    exact = file["source"] == "TorchJD"
    return {"rtol": 1e-10, "atol": 1e-10} if exact else {"rtol": 1e-7, "atol": 1e-7}
