"""The shortest convex combination of the task gradients.

Wolfe, Finding the Nearest Point in a Polytope, Mathematical Programming 11, 1976.
https://doi.org/10.1007/BF01580381
"""

import numpy as np

from mtl.weighters.solvers.problem import EPS, NotSolvedError


def min_norm(cosines: np.ndarray, norms: np.ndarray) -> np.ndarray:
    """Weights w of the shortest vector x = sum_i w_i g_i with w >= 0 and sum_i w_i = 1, exact up to rounding.

    An active-set method. In each round, the gradient that violates the condition below most enters the support, x moves
    to the point nearest to 0 in the plane spanned by the support, and gradients whose weight would become negative
    leave. |x| falls in every round, so no support occurs twice. It works on v_i = w_i |g_i|, the coefficients of the
    unit gradients u_i, for which the optimality condition is

        <u_i, x>  >=  |x|^2 / |g_i|    for all i,    with equality where w_i > 0

    Args:
        cosines: Between the gradients. Shape [K, K].
        norms: Of the gradients, all positive. Shape [K].

    Returns:
        The weights; if they are not unique, those of one solution. Shape [K].

    Raises:
        NotSolvedError: The condition does not hold at the end.
    """
    levels = norms.min() / norms  # [K], 1 / |g_i| in units of the shortest gradient
    support = [int(norms.argmin())]
    v = np.zeros_like(norms)
    v[support] = 1.0
    along = cosines @ v  # [K], <u_i, x>
    square = along @ v  # |x|^2
    while True:
        rounding = 4 * len(v) * EPS * v.sum()
        missing = levels * square - along  # [K], by how much the condition fails
        missing[support] = 0.0
        entering = int(missing.argmax())
        if missing[entering] <= rounding or square <= rounding * v.sum():
            break
        found, candidate = _descend(cosines, levels, [*support, entering], v)
        products = cosines @ candidate
        if not products @ candidate < square:  # nothing left but rounding
            break
        support, v, along, square = found, candidate, products, products @ candidate
    if (
        missing[entering] > 2 * (rounding * v.sum()) ** 0.5
    ):  # a Gramian gives |x|^2, so |x| only to the square root of rounding
        raise NotSolvedError("the shortest combination of the gradients was not found")
    weights = v * levels
    return weights / weights.sum()


def _descend(
    cosines: np.ndarray, levels: np.ndarray, support: list[int], v: np.ndarray
) -> tuple[list[int], np.ndarray]:
    """Moves from v towards the shortest combination of a support, dropping gradients whose weight becomes negative.

    Returns:
        The remaining support, and its shortest combination; v itself if the support is degenerate.
    """
    point = v[support]
    while True:
        size = len(support)
        system = np.zeros((size + 1, size + 1))
        system[:size, :size] = cosines[support][:, support]
        system[size, :size] = system[:size, size] = levels[support]
        try:
            goal = np.linalg.solve(system, np.eye(1, size + 1, size)[0])[:size]
        except np.linalg.LinAlgError:
            return support, v
        if goal.min() > 0:
            break
        blocking = np.flatnonzero(goal <= 0)
        shares = point[blocking] / np.maximum(point[blocking] - goal[blocking], 1e-300)
        first = int(shares.argmin())
        point = np.delete(point + shares[first] * (goal - point), blocking[first])
        support = [task for index, task in enumerate(support) if index != blocking[first]]
    result = np.zeros_like(v)
    result[support] = goal
    return support, result
