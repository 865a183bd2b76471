"""Mean ranks of methods, whether they differ by more than chance, and by how much two of them must differ.

Demsar, Statistical Comparisons of Classifiers over Multiple Data Sets, JMLR 2006.
https://jmlr.org/papers/v7/demsar06a.html, Section 3.2.2.

Deviations from the paper: its blocks are independent datasets; here they are the seeds of each setting of a table.
Seeds of one dataset are not independent datasets, so the result says how stable an order is on this dataset, not that
it holds on others.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.stats import friedmanchisquare, studentized_range

from mtl.report.names import SINGLE_TASK, named
from mtl.report.numbers.table import LEVEL

LEAST = 3  # methods that the Friedman test needs


class Ranks(NamedTuple):
    """Ranks of methods by Delta_m.

    Args:
        mean: Mean rank of every method, by its name with its variant, the best first; 1 is best.
        blocks: Number of blocks, which are pairs of setting and seed.
        settings: Number of settings in them.
        statistic: Friedman's chi-square, corrected for ties. With few blocks its p value is too large.
        p: Its p value.
        critical: Nemenyi's critical difference of two mean ranks at 5 %.
        without: Methods that are not ranked because they lack a block.
    """

    mean: pd.Series
    blocks: int
    settings: int
    statistic: float
    p: float
    critical: float
    without: list[str]


def ranked(deltas: pd.Series) -> Ranks | None:
    """Ranks the multi-task methods within every block; None with fewer than 3 methods or 2 blocks.

    Args:
        deltas: Delta_m by row and seed.
    """
    multi = deltas.drop(SINGLE_TASK, level="method", errors="ignore")
    every = across(multi, ["method", "variant"])
    every.columns = [named(*column) for column in every.columns]
    whole = complete(every)
    blocks, count = whole.shape
    if blocks < 2 or count < LEAST:
        return None
    ranks = whole.rank(axis=1, ascending=False)
    tied = (ranks.nunique(axis=1) == 1).all()  # the statistic is 0 / 0
    statistic, p = (0.0, 1.0) if tied else friedmanchisquare(*ranks.to_numpy().T)
    mean = ranks.mean().sort_values(kind="stable")
    settings = len(whole.droplevel("seed").index.unique())
    without = [name for name in every.columns if name not in whole]
    return Ranks(mean, blocks, settings, float(statistic), float(p), critical_difference(count, blocks), without)


def across(values: pd.Series, levels: list[str]) -> pd.DataFrame:
    """The levels as columns in the order in which they occur: `unstack(sort=False)` mixes up values before pandas 3."""
    others = [str(name) for name in values.index.names if name not in levels]
    order = values.index.droplevel(others).unique()  # pyright: ignore[reportArgumentType]  its stubs take no names
    return pd.DataFrame(values.unstack(levels)).reindex(columns=order)


def complete(table: pd.DataFrame) -> pd.DataFrame:
    """The lines that at least half of the columns have, and of the columns those without a gap in these lines."""
    return table[table.notna().mean(axis=1) >= 0.5].dropna(axis=1)


def critical_difference(methods: int, blocks: int) -> float:
    """Nemenyi's critical difference of two mean ranks at 5 %: q sqrt(k (k + 1) / (6 N)) for k methods in N blocks."""
    q = studentized_range.ppf(1 - LEVEL, methods, np.inf) / np.sqrt(2)
    return float(q * np.sqrt(methods * (methods + 1) / (6 * blocks)))


def groups(mean: Sequence[float] | pd.Series, critical: float) -> list[tuple[int, int]]:
    """First and last place of each largest group of methods whose mean ranks differ by less than the critical one.

    Args:
        mean: Mean ranks, ascending.
        critical: Critical difference.
    """
    found: list[tuple[int, int]] = []
    for first, rank in enumerate(mean):
        last = max(place for place, other in enumerate(mean) if other - rank < critical)
        if last > first and (not found or last > found[-1][1]):
            found.append((first, last))
    return found
