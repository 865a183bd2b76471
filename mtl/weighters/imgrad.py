"""IMGrad: CAGrad that follows the mean gradient the less, the more unequal the task gradients are.

Zhou et al., Injecting Imbalance Sensitivity for Multi-Task Learning, IJCAI 2025.
https://arxiv.org/abs/2503.08006; constants as in the authors' code for NYUv2, https://github.com/zzpustc/IMGrad.
"""

import numpy as np

from mtl.weighters.cagrad import CAGrad
from mtl.weighters.solvers import Problem, conflict_averse, min_norm
from mtl.weighters.solvers.problem import CANCELLED

LOWEST = 1e-4  # mu; a smaller one would cost the solver its precision


class IMGrad(CAGrad):
    """CAGrad whose convex combination depends on the angle between mean gradient and shortest combination.

    With g0 the mean gradient, g_m the shortest convex combination of the gradients (MGDA) and mu their cosine,

        w = argmin (1.5 - mu) <g_w, g0> + mu c |g0| |g_w|    over g_w = sum_t w_t g_t, w_t >= 0, sum_t w_t = 1
        d = g0 + c |g0| g_w / |g_w|,    divided by 1, 1 + c^2 or 1 + c

    The w is that of CAGrad at radius mu c / (1.5 - mu), so two T x T problems, both solved exactly, give d; the
    gradients cost what they cost for CAGrad. Heads train on their own unweighted losses.

    Args:
        num_tasks: Number of tasks T.
        c: Distance from the mean gradient in units of its length.
        rescale: Divisor of the result: 0 for none, 1 for 1 + c^2, 2 for 1 + c.

    Raises:
        ValueError: c is negative or not finite, or rescale is not 0, 1 or 2.

    Deviations from the paper: mu counts as at least 1e-4, also if g_m = 0: then w is the task that g0 serves worst.
    The rest is as for CAGrad. The authors' code multiplies d by T, as `scale: sum` does, and solves both problems
    roughly: with norms that differ by a factor of 1e4 its direction has a cosine of 0.71 to 0.96 with the solution.
    """

    def solve(self, problem: Problem) -> np.ndarray:
        """Coefficients of d before it is divided. Shape [K].

        Raises:
            NotSolvedError: A solver failed.
        """
        cosines, norms = problem.cosines, problem.norms / problem.norms.max()
        mu = _cosine(cosines, norms / len(norms), norms * min_norm(cosines, norms))
        share = mu / (1.5 - mu)
        return (1 - 1 / share) / len(norms) + conflict_averse(cosines, norms, share * self.c) / share


def _cosine(cosines: np.ndarray, first: np.ndarray, second: np.ndarray) -> float:
    """Cosine of two combinations of unit gradients, at least `LOWEST`, also if one of them is zero to rounding.

    Args:
        cosines: Between the gradients. Shape [K, K].
        first: Coefficients, not negative. Shape [K].
        second: Likewise.
    """
    lengths = [max(v @ cosines @ v, 0.0) ** 0.5 for v in (first, second)]
    if any(length <= CANCELLED * v.sum() for length, v in zip(lengths, (first, second), strict=True)):
        return LOWEST
    return float(min(max(first @ cosines @ second / lengths[0] / lengths[1], LOWEST), 1.0))
