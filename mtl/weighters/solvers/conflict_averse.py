"""The direction near the mean gradient that most improves the worst-improved task."""

import numpy as np

from mtl.weighters.solvers.problem import CANCELLED, EPS, NotSolvedError

FLAT = 1e-12  # a rate up to this, relative to its terms, counts as zero


def conflict_averse(cosines: np.ndarray, norms: np.ndarray, c: float) -> np.ndarray:
    """Coefficients k >= 1/K of d = sum_i k_i g_i, which maximises min_i <g_i, d> over |d - g0| <= c |g0|, g0 the mean.

    With u_i = g_i / |g_i| and lengths in units of |g0|, the best d for a level t is g0 plus the shortest h with

        <u_i, g0 + h>  >=  t / |g_i|    for all i,    h = sum_i z_i u_i,  z_i >= 0 only where it is an equality

    For a fixed set of equalities, z is linear in t. So t rises from the point where h = 0, the set changes whenever a
    z_i falls to 0 or another task reaches its level, and the solution is at |h| = c. This is exact and has no
    tolerance. It avoids the gradient of the dual, which is nearly flat if norms differ by orders of magnitude.

    Args:
        cosines: Between the gradients. Shape [K, K].
        norms: Of the gradients, all positive. Shape [K].
        c: Radius of the ball around the mean gradient, in units of its length.

    Returns:
        The coefficients; all 1/K (d = g0) if g0 = 0, or if |h| cannot reach c because a convex combination of the
        gradients is zero, so that no direction improves all tasks. Shape [K].

    Raises:
        NotSolvedError: Rounding led to an inconsistent set of equalities.
    """
    equal = np.full(len(norms), 1 / len(norms))
    mean = norms / norms.max() / len(norms)  # [K], coefficients of g0 in unit gradients
    square = mean @ cosines @ mean
    if c == 0 or square <= 4 * len(norms) * EPS * mean.sum() ** 2:
        return equal
    length = square**0.5
    try:
        z = _follow(cosines, norms.min() / norms, cosines @ mean / length, c)
    except np.linalg.LinAlgError as error:
        raise NotSolvedError("the conflict-averse direction was not found") from error
    return equal if z is None else equal * (1 + z * length / mean)


def _follow(cosines: np.ndarray, levels: np.ndarray, start: np.ndarray, c: float) -> np.ndarray | None:
    """Raises t until |h| = c.

    Args:
        cosines: Between the gradients. Shape [K, K].
        levels: 1 / |g_i|, in any unit. Shape [K].
        start: <u_i, g0>. Shape [K].
        c: Where to stop.

    Returns:
        z, or None if a convex combination of the gradients is zero. Shape [K].
    """
    z = np.zeros_like(levels)
    first = int((start / levels).argmin())
    t, tight = start[first] / levels[first], [first]
    for _ in range(20 * len(levels) + 20):
        inner = cosines[tight]  # [S, K]
        slope, offset = np.linalg.solve(inner[:, tight], np.stack([levels[tight], start[tight]], 1)).T  # z = t * s - o
        a, b, d = levels[tight] @ slope, levels[tight] @ offset, start[tight] @ offset  # |h|^2 = a t^2 - 2 b t + d
        goal = (b + max(b * b - a * (d - c * c), 0.0) ** 0.5) / a
        rate = levels - slope @ inner  # [K], at which the others approach their level
        coming = rate > FLAT * (1 + np.abs(slope).sum())
        coming[tight] = False
        reached = np.divide(start - offset @ inner, rate, out=np.full_like(rate, np.inf), where=coming)
        emptied = np.divide(offset, slope, out=np.full_like(slope, np.inf), where=slope < 0)
        entering, leaving = int(reached.argmin()), int(emptied.argmin())
        if goal <= min(reached[entering], emptied[leaving]):
            z[tight] = np.maximum(goal * slope - offset, 0.0)
            return _checked(z, cosines @ z + start - goal * levels, c)
        t = max(t, min(reached[entering], emptied[leaving]))
        if emptied[leaving] <= reached[entering]:
            del tight[leaving]
            continue
        exchange = -np.linalg.solve(inner[:, tight], inner[:, entering])
        if 1 + exchange @ inner[:, entering] <= CANCELLED**2:  # the new unit gradient is in the span of the others
            if exchange.min() > -CANCELLED:
                return None
            left = t * slope - offset  # [S], z at this t
            shares = np.divide(left, -exchange, out=np.full_like(left, np.inf), where=exchange < -FLAT)
            del tight[int(shares.argmin())]
        tight.append(entering)
    raise NotSolvedError("the conflict-averse direction was not found")


def _checked(z: np.ndarray, slack: np.ndarray, c: float) -> np.ndarray:
    """Returns z after checking that no task is below its level.

    Raises:
        NotSolvedError: A task is below its level.
    """
    if slack.min() < -1e-9 * (1 + c + z.sum()):
        raise NotSolvedError("the conflict-averse direction was not found")
    return z
