"""Solver of the alpha-fair weights: (G w)_i = w_i^(-1 / alpha)."""

import numpy as np

from mtl.weighters.solvers.min_norm import min_norm
from mtl.weighters.solvers.problem import CANCELLED, EPS, NotSolvedError

LARGEST = float(np.finfo(np.float32).max)  # gradients, which the weights multiply, are float32
MAX_STEPS = 200  # 4 to 8 are usual, 30 where gradients nearly cancel, 100 at alpha = 10 with norms of 1 : 1e6


def fair(cosines: np.ndarray, norms: np.ndarray, alpha: float) -> np.ndarray:
    """Weights w > 0 with (G w)_i = w_i^(-1 / alpha): the unique minimum of a convex function, by damped Newton steps.

    With p = 1 / alpha and b_i = w_i |g_i| the coefficients of the unit gradients, the function is

        b'Cb / 2 - sum_i phi(w_i),    phi' = w^(-p)    (alpha = 1: w'Gw / 2 - sum_i log w_i)

    It has no minimum if a convex combination of the gradients is zero: some weights then grow without bound.

    Args:
        cosines: Between the gradients, C. Shape [K, K].
        norms: Of the gradients, all positive. Shape [K].
        alpha: Above 0.

    Returns:
        The weights. max |(G w)_i w_i^p - 1| is at most 1e-10, or the rounding error of (G w)_i. Shape [K].

    Raises:
        NotSolvedError: A combination of the unit gradients is shorter than 1e-6, the steps do not converge, or a weight
            exceeds float32.
    """
    power = 1 / alpha
    unit = np.exp(np.log(norms).mean())
    with np.errstate(all="ignore"):  # values that overflow are rejected below
        weights, residual = _newton(cosines, norms / unit, power)
    if residual > 1e-8:  # rounding, or no solution at all?
        mixture = min_norm(cosines, np.ones_like(norms))
        if mixture @ cosines @ mixture <= CANCELLED**2:
            raise NotSolvedError("a combination of the gradients is zero: no finite weights")
    weights = weights * unit ** (-2 / (1 + power))
    if not ((weights > 0) & (weights <= LARGEST)).all():
        raise NotSolvedError("the weights exceed float32")
    return weights


def _newton(cosines: np.ndarray, norms: np.ndarray, power: float) -> tuple[np.ndarray, float]:
    """Weights for norms close to 1, and their residual."""
    weights = norms ** (-2 / (1 + power))  # the solution for orthogonal gradients
    b = norms * weights
    weights = weights * (max(b @ cosines @ b, CANCELLED * b @ b) / (b @ b)) ** (-1 / (1 + power))
    before, least, last = weights, np.inf, np.inf
    for _ in range(MAX_STEPS):
        b = norms * weights
        along = cosines @ b  # [K], <u_i, d>
        if b @ along <= (CANCELLED * b.sum()) ** 2:
            raise NotSolvedError("a combination of the gradients is zero: no finite weights")
        pull, target = b * along, weights ** (1 - power)  # [K], w_i (G w)_i and its target
        miss = 1 - pull / target
        residual = np.abs(miss).max()
        if residual <= 1e-13:
            return weights, residual
        # Hessian in relative steps x = dw / w, scaled to diagonal 1: as well conditioned as the cosines, or better
        shrink = 1 / np.sqrt(b * b + power * target)
        scaled = b * shrink
        hessian = cosines * np.outer(scaled, scaled)
        np.fill_diagonal(hessian, 1.0)
        try:
            step = shrink * np.linalg.solve(hessian, shrink * target * miss)
        except np.linalg.LinAlgError:
            break
        size = np.abs(step).max()
        if last <= size < 1e-2:  # nothing left but rounding
            return (weights, residual) if residual < least else (before, least)
        if not size < 1 / EPS:
            break
        before, least, last = weights, residual, size
        near = size < 0.5 / (1 + power)  # undamped steps converge, and a test of descent would be dominated by rounding
        weights = weights * (1 + step if near else _damped(cosines, norms, power, weights, step, target * miss))
    raise NotSolvedError(f"no convergence in {MAX_STEPS} Newton steps")


def _damped(
    cosines: np.ndarray, norms: np.ndarray, power: float, weights: np.ndarray, step: np.ndarray, slopes: np.ndarray
) -> np.ndarray:
    """Factors 1 + share * step that keep the weights positive and do not overshoot the minimum. Shape [K]."""
    share = 0.9 / max(-step.min(), 0.9)
    allowed = 0.5 * (step @ slopes)
    for _ in range(20):
        trial = weights * (1 + share * step)
        gradient = norms * (cosines @ (norms * trial)) - trial**-power
        if (weights * step) @ gradient <= allowed:
            break
        share *= 0.5
    return 1 + share * step
