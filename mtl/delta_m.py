"""Multi-task gain over single-task networks, and mean ranks of methods.

Maninis et al., Attentive Single-Tasking of Multiple Tasks, CVPR 2019.
https://arxiv.org/abs/1904.08918, Eq. (4).
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray


def task_gain(value: float, baseline: float, higher_is_better: bool) -> float:
    """Relative gain M_i of one task over its single-task network, in percent; positive means better.

    M_i = 100 * (-1)^l_i * (value - baseline) / baseline,   l_i = 1 where lower is better

    Raises:
        ValueError: The baseline is 0.
    """
    if baseline == 0:
        raise ValueError("the single-task baseline is 0, so no relative gain exists: check the baseline run")
    gain = 100 * (value - baseline) / baseline
    return gain if higher_is_better else -gain


def delta_m(gains: Sequence[float]) -> float:
    """Delta_m, the mean of the task gains M_i, in percent."""
    return float(np.mean(gains))


def mean_rank(values: ArrayLike, higher_is_better: Sequence[bool]) -> NDArray[np.float64]:
    """Rank of each method, averaged over tasks; 1 is best, and tied methods share their mean rank.

    Args:
        values: One row per method, one column per task. A method with a NaN has rank NaN and does not affect the
            ranks of the others. Shape [N, T].
        higher_is_better: Direction of each task. Shape [T].

    Returns:
        Mean ranks. Shape [N].
    """
    scores = np.where(higher_is_better, values, np.negative(values))  # [N, T]
    better = (scores[None] > scores[:, None]).sum(axis=1)  # [N, T], number of better methods
    equal = (scores[None] == scores[:, None]).sum(axis=1)  # [N, T], including itself
    ranks = np.where(np.isnan(scores), np.nan, better + (equal + 1) / 2)  # [N, T]
    return ranks.mean(axis=1)
