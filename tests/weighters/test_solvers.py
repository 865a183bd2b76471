from itertools import combinations

import mpmath
import numpy as np
import pytest
import torch
from mpmath import mpf

from mtl.weighters.solvers import NotSolvedError, Problem, conflict_averse, fair, min_norm

EPS = np.finfo(float).eps
SHAPES = ("plain", "deficient", "copies", "conflict", "aligned", "integers")
RATIOS = (1.0, 1e3, 1e6)


def random_rows(shape: str, ratio: float, seed: int, conflict: float = 1e-2) -> np.ndarray:
    """2 to 10 gradients whose norms differ by up to the ratio. Shape [T, P]."""
    draw = np.random.default_rng(seed)
    tasks = int(draw.integers(2, 11))
    size = int(draw.integers(1, tasks)) if shape == "deficient" else 16
    rows = draw.standard_normal((tasks, size))
    if shape == "copies":  # identical, colinear and opposed ones
        rows = rows[draw.integers(0, tasks, tasks)] * draw.choice([1.0, 1.0, 0.5, -1.0], (tasks, 1))
    elif shape == "conflict":
        rows[1] = conflict * rows[1] - rows[0]
    elif shape == "aligned":
        rows += 2 * draw.standard_normal(size)
    elif shape == "integers":  # many ties
        rows = draw.integers(-1, 2, (tasks, 4)).astype(float)
        rows[~rows.any(1)] = 1.0
    return rows * ratio ** draw.uniform(-0.5, 0.5, (tasks, 1))


def parts(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Cosines and norms as in the weighters."""
    problem = Problem.of(torch.from_numpy(rows @ rows.T), None)
    return problem.cosines, problem.norms


def distance(rows: np.ndarray) -> float:
    """Length of the shortest combination of the unit gradients."""
    unit = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    return np.linalg.norm(min_norm(*parts(unit)) @ unit)


def test_problem_leaves_out_what_is_inactive_or_has_vanished():
    rows = torch.diag(torch.tensor([3.0, 1e-12, 4.0, 5.0]).double())
    problem = Problem.of(rows @ rows.T, torch.tensor([True, True, True, False]))
    assert problem.counted.tolist() == [True, False, True, False]
    assert problem.norms.tolist() == [3, 4]
    assert problem.cosines.tolist() == [[1, 0], [0, 1]]
    assert problem.spread(np.array([7.0, 8.0]), others=1.0, like=torch.ones(1)).tolist() == [7, 1, 8, 1]


def test_problem_knows_equal_gradients():
    rows = torch.tensor([[0.1, 0.3], [0.1, 0.3], [0.2, 0.6], [0.1, 0.3 + 1e-6]]).double()
    problem = Problem.of(rows @ rows.T, None)
    assert problem.even(np.array([1.0, 0.0, 2.0, 3.0]), problem.norms).tolist() == [0.5, 0.5, 2, 3]


def test_problem_can_be_empty():
    assert Problem.of(torch.zeros(3, 3), None).norms.size == 0
    assert Problem.of(torch.eye(3), torch.zeros(3, dtype=torch.bool)).norms.size == 0


@pytest.mark.parametrize("ratio", RATIOS)
@pytest.mark.parametrize("shape", SHAPES)
def test_shortest_mixture_lies_on_the_near_side_of_no_gradient(shape, ratio):
    for seed in range(40):
        rows = random_rows(shape, ratio, seed)
        norms = np.linalg.norm(rows, axis=1)
        weights = min_norm(*parts(rows))
        assert (weights >= 0).all()
        assert weights.sum() == pytest.approx(1)
        scale = weights @ norms  # length of the combination if all its gradients were parallel
        mixture = weights @ rows / scale
        square = mixture @ mixture
        slack = rows @ mixture / norms - square * scale / norms  # <u_i, x> - |x|^2 / |g_i|
        assert slack.min() > -1e-10 * square - 1e-15 * (1 + 1 / max(square**0.5, 1e-8)), seed


def test_shortest_mixture_of_more_than_ten():
    rows = np.random.default_rng(0).standard_normal((40, 60))
    weights = min_norm(*parts(rows))
    mixture = weights @ rows
    assert (rows @ mixture).min() >= mixture @ mixture * (1 - 1e-10)


def test_corner_of_two_is_exact():
    rows = np.array([[1.0, 0.0], [2.0, 0.1]])
    assert min_norm(*parts(rows)).tolist() == [1, 0]
    assert min_norm(*parts(rows[::-1])).tolist() == [0, 1]


@pytest.mark.parametrize("alpha", [0.2, 0.5, 1.0, 2.0, 5.0])
@pytest.mark.parametrize("ratio", RATIOS)
@pytest.mark.parametrize("shape", SHAPES)
def test_fair_weights_solve_the_equation_wherever_it_has_a_solution(shape, ratio, alpha):
    solved = 0
    for seed in range(15):
        rows = random_rows(shape, ratio, seed)
        cosines, norms = parts(rows)
        if distance(rows) < 1e-6:
            with pytest.raises(NotSolvedError):
                fair(cosines, norms, alpha)
            continue
        weights = fair(cosines, norms, alpha)
        assert (weights > 0).all()
        gramian = rows @ rows.T
        entitled = weights ** (-1 / alpha)
        rounding = 8 * EPS * (np.abs(gramian) @ weights / entitled).max()  # of the line below itself
        assert np.abs(gramian @ weights / entitled - 1).max() <= max(1e-10, rounding), seed
        solved += 1
    assert solved > 0


@pytest.mark.parametrize("alpha", [0.5, 1.0, 2.0])
@pytest.mark.parametrize("exponent", range(1, 13))
def test_the_nearer_gradients_come_to_cancelling_the_larger_the_weights_until_there_are_none(exponent, alpha):
    rows = np.array([[1.0, 0.0], [-1.0, 10.0**-exponent]])
    if exponent > 5:
        with pytest.raises(NotSolvedError):
            fair(*parts(rows), alpha)
    else:
        weights = fair(*parts(rows), alpha)
        assert np.isfinite(weights).all()
        if alpha == 1:  # a_1 = a_2 = 1 / |g_1 + g_2| to first order
            assert weights == pytest.approx([10.0**exponent] * 2, rel=0.6)


def exact_direction(rows: np.ndarray, c: float, supports: list[tuple[int, ...]]) -> list[mpf] | None:
    """CAGrad's direction in units of |g0|, to 50 digits: the candidate that meets the conditions, which prove it.

    Args:
        rows: Task gradients. Shape [T, P].
        c: Radius.
        supports: Which tasks may have a positive multiplier, candidate by candidate.
    """
    dot = mpmath.fdot
    exact = [[mpf(float(x)) for x in row] for row in rows]
    norms = [mpmath.sqrt(dot(row, row)) for row in exact]
    unit = [[x / n for x in row] for row, n in zip(exact, norms, strict=True)]
    mean = [sum(column) / len(exact) for column in zip(*exact, strict=True)]
    length = mpmath.sqrt(dot(mean, mean))
    mean = [x / length for x in mean]
    levels = [min(norms) / n for n in norms]
    for support in supports:
        inner = mpmath.matrix([[dot(unit[i], unit[j]) for j in support] for i in support])
        level = mpmath.matrix([levels[i] for i in support])
        start = mpmath.matrix([dot(unit[i], mean) for i in support])
        try:
            slope, offset = mpmath.lu_solve(inner, level), mpmath.lu_solve(inner, start)
        except ZeroDivisionError:
            continue
        a, b, d = dot(level, slope), dot(level, offset), dot(start, offset) - mpf(c) ** 2
        if a <= 0 or b * b < a * d:
            continue
        t = (b + mpmath.sqrt(b * b - a * d)) / a
        z = [t * s - o for s, o in zip(slope, offset, strict=True)]
        direction = [m + dot(z, [unit[i][k] for i in support]) for k, m in enumerate(mean)]
        slack = [dot(u, direction) - t * e for u, e in zip(unit, levels, strict=True)]
        if min(*z, 0) > mpf("-1e-40") and min(slack) > mpf("-1e-14"):
            return direction
    return None


def relative_error(rows: np.ndarray, coefficients: np.ndarray, expected: list[mpf]) -> float:
    """Of the direction that the coefficients make, to 50 digits."""
    columns = [[mpf(float(x)) for x in column] for column in rows.T]
    given = [mpf(float(k)) for k in coefficients]
    mean = [sum(column) / len(rows) for column in columns]
    length = mpmath.sqrt(mpmath.fdot(mean, mean))
    error = [mpmath.fdot(given, column) / length - e for column, e in zip(columns, expected, strict=True)]
    return float(mpmath.norm(error) / mpmath.norm(expected))


@pytest.mark.parametrize("ratio", RATIOS)
def test_conflict_averse_direction_is_that_of_all_supports_tried_in_fifty_digits(ratio):
    with mpmath.workdps(50):
        for seed, shape in enumerate(["plain", "conflict", "aligned"] * 3):
            rows = random_rows(shape, ratio, seed)[:4]
            supports = [s for size in range(1, len(rows) + 1) for s in combinations(range(len(rows)), size)]
            expected = exact_direction(rows, 0.4, supports)
            assert relative_error(rows, conflict_averse(*parts(rows), 0.4), expected) < 1e-9


@pytest.mark.parametrize("ratio", RATIOS)
@pytest.mark.parametrize("shape", SHAPES)
def test_conflict_averse_direction_is_proven_in_fifty_digits(shape, ratio):
    with mpmath.workdps(50):
        for seed, c in enumerate((0.2, 0.4, 0.5, 0.8) * 2):
            rows = random_rows(shape, ratio, seed)
            cosines, norms = parts(rows)
            coefficients = conflict_averse(cosines, norms, c)
            lifts = (coefficients - 1 / len(rows)) * norms
            if lifts.max() < 1e-12 * norms.max():  # d = g0
                assert distance(rows) < 1e-6 or np.linalg.norm(rows.mean(0)) < 1e-7 * norms.max()
                continue
            support = tuple(np.flatnonzero(lifts > 1e-13 * lifts.max()).tolist())
            expected = exact_direction(rows, c, [support])
            assert expected is not None, seed
            assert relative_error(rows, coefficients, expected) < 1e-6, seed


@pytest.mark.parametrize("shape", SHAPES)
def test_conflict_averse_direction_meets_its_conditions_on_many_gradients(shape):
    for seed in range(150):
        rows = random_rows(shape, RATIOS[seed % 3], seed)
        norms = np.linalg.norm(rows, axis=1)
        coefficients = conflict_averse(*parts(rows), 0.4)
        mean = rows.mean(0)
        direction, length = coefficients @ rows, np.linalg.norm(mean)
        multipliers = coefficients - 1 / len(rows)
        if np.linalg.norm(direction - mean) < 1e-6 * length or length < 1e-6 * norms.max():
            continue  # d = g0, where no direction serves all
        assert np.linalg.norm(direction - mean) == pytest.approx(0.4 * length, rel=1e-6)
        served = rows @ direction / norms / length
        level = multipliers @ (rows @ direction) / multipliers.sum() / norms / length
        assert (served >= level - 1e-8).all(), seed


def test_conflict_averse_of_one_gradient_is_its_lengthening():
    assert conflict_averse(np.eye(1), np.array([5.0]), 0.4).tolist() == pytest.approx([1.4])
