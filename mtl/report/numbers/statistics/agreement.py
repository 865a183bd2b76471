"""Compares the order of our methods with their order in the paper."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import rankdata

from mtl.report.names import ROW, SETTING, SINGLE_TASK, Row, Setting
from mtl.report.numbers.gains import mean_deltas, published_baseline
from mtl.report.numbers.grouped import grouped
from mtl.report.numbers.statistics.ranks import across, complete

TABLES = ("II", "III", "VI", "VII")  # of the paper, with every method; the last two repeat a row and add AvgNorm
LEAST = 5  # methods; with fewer, no order is significant at 5 %
DRAWS = 9999  # of the bootstrap and of the permutation test
INTERVAL = (2.5, 97.5)  # percent


class Agreement(NamedTuple):
    """Rank correlation of our order with the paper's.

    Args:
        ours: Our setting.
        paper: The paper's setting.
        methods: Number of methods that both have.
        seeds: Number of our seeds.
        rho: Spearman's rho.
        low: Lower end of its 95 % interval.
        high: Upper end.
        p: Its p value.
    """

    ours: Setting
    paper: Setting
    methods: int
    seeds: int
    rho: float
    low: float
    high: float
    p: float


def agreements(deltas: pd.Series, paper: pd.DataFrame, best: Mapping[Row, str]) -> Iterable[Agreement]:
    """Compares each setting with the same one of the paper, or else with all that have the same architecture.

    Args:
        deltas: Our Delta_m by row and seed.
        paper: The paper's scores.
        best: Setting and method of a search -> the variant to compare; of other methods, the default counts.
    """
    every = paper[paper["table"].isin(TABLES)].drop_duplicates([*ROW, "task"])
    printed = mean_deltas(every, published_baseline).droplevel("variant")
    theirs = {Setting(*setting): own.droplevel([*SETTING]) for setting, own in grouped(printed, SETTING)}
    chosen = [row[-2] == best.get(row[:-2], "") for row in deltas.index]
    multi = deltas[chosen].droplevel("variant").drop(SINGLE_TASK, level="method", errors="ignore")
    for key, own in grouped(multi, SETTING):
        ours = Setting(*key)
        alike = [ours] if ours in theirs else [one for one in theirs if one.architecture == ours.architecture]
        for setting in alike:
            table = across(own.droplevel([*SETTING]), ["method"])
            table = complete(table[[method for method in table if method in theirs[setting]]])
            seeds, methods = table.shape
            if seeds > 1 and methods >= LEAST:
                found = correlation(table.to_numpy(), theirs[setting][table.columns].to_numpy())
                yield Agreement(ours, setting, methods, seeds, *found)


def correlation(ours: NDArray[np.float64], theirs: NDArray[np.float64]) -> tuple[float, float, float, float]:
    """Spearman's rho of our means and their numbers, with its interval and p value.

    The 95 % interval is that of a percentile bootstrap over our seeds, which are drawn jointly for all methods. It
    covers the noise of our seeds, not that of the paper's numbers, and is coarse: three seeds have 10 different draws.
    The two-sided p value is that of a permutation test, which assigns the paper's numbers to our methods at random.
    Both have fixed random numbers.

    Args:
        ours: Shape [seeds, methods].
        theirs: Shape [methods].

    Returns:
        rho, lower and upper end of the interval, and p.
    """
    generator = np.random.default_rng(0)
    other = _standardized(rankdata(theirs))
    own = _standardized(rankdata(ours.mean(axis=0)))
    rho = float(own @ other)
    drawn = ours[generator.integers(len(ours), size=(DRAWS, len(ours)))].mean(axis=1)
    low, high = np.percentile(_standardized(rankdata(drawn, axis=1)) @ other, INTERVAL)
    shuffled = generator.permuted(np.tile(other, (DRAWS, 1)), axis=1) @ own
    p = (1 + np.sum(np.abs(shuffled) >= abs(rho) - 1e-9)) / (1 + DRAWS)
    return rho, float(low), float(high), float(p)


def _standardized(ranks: NDArray[np.float64]) -> NDArray[np.float64]:
    """Ranks with mean 0 and length 1, whose scalar products are correlations; 0 if all are equal."""
    centred = ranks - ranks.mean(axis=-1, keepdims=True)
    return centred / np.maximum(np.linalg.norm(centred, axis=-1, keepdims=True), 1e-12)
