"""Rank correlation of two rows of numbers."""

from collections.abc import Sequence

import numpy as np
from scipy.stats import spearmanr

from mtl.report.claims.check import LEVEL, Check
from mtl.report.style import signed


def rank_correlation(one: Sequence[float], other: Sequence[float]) -> tuple[float, float]:
    """Spearman's rho and its p value; NaN where all numbers of a row are equal."""
    if np.ptp(one) == 0 or np.ptp(other) == 0:
        return np.nan, np.nan
    found = spearmanr(one, other)
    return float(found.statistic), float(found.pvalue)


def uncorrelated(one: Sequence[float], other: Sequence[float], name: str) -> Check:
    """Whether there is no rank correlation at 5 %; so few numbers seldom show one."""
    rho, p = rank_correlation(one, other)
    holds = None if np.isnan(p) else p >= LEVEL
    return Check(holds, "").saying(f"{name} rho {signed(rho, 2)}, p {p:.2f} over {len(one)}")
