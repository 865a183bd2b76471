"""Decides comparisons, and combines them into claims.

- Two or more seeds: a paired t-test at 5 % (two-sided) must separate the mean difference from the margin that the claim
  requires, else the comparison is undecided.
- One seed: the noise is unknown, so the difference must clear the margin by one point (or by `clear`).
- The paper's numbers, one per cell, are taken as printed.

A claim of several comparisons holds if enough of them hold, fails if too many fail, and is undecided otherwise. There
is no correction for multiple comparisons: a claim of twenty may fail by chance, so its text says which one failed.
"""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from scipy.stats import spearmanr, ttest_rel

from mtl.report.claims.quantity import Quantity
from mtl.report.render.style import signed

Numbers = Sequence[float] | pd.Series

LEVEL = 0.05
CLEAR = 1.0  # points
ONE_SEED = "clear margin"  # the test of a single seed
EQUAL = 1e-9  # relative spread


class Basis(NamedTuple):
    """What a comparison was decided by.

    Args:
        test: Name of the test.
        seeds: Number of seeds.
        effect: Of a comparison that a t-test leaves open: the mean difference over its standard deviation.
    """

    test: str
    seeds: int
    effect: float | None = None


class Check(NamedTuple):
    """Outcome of one or several comparisons.

    Args:
        holds: None if undecided.
        text: The numbers that were compared.
        bases: What the comparisons were decided by; empty for the paper's numbers.
    """

    holds: bool | None
    text: str
    bases: frozenset[Basis] = frozenset()

    def saying(self, text: str) -> "Check":
        """The same outcome with another text, marked if it does not hold."""
        return self.worded(text + {True: "", False: " (no)", None: " (open)"}[self.holds])

    def worded(self, text: str) -> "Check":
        """The same outcome with another text, as it is."""
        return self._replace(text=text)

    def __invert__(self) -> "Check":
        return self._replace(holds=None if self.holds is None else not self.holds)


def above(a: Quantity, b: "Quantity | float" = 0.0, by: float = 0.0, clear: float = CLEAR) -> Check:
    """Whether a exceeds b, by at least a margin.

    Args:
        a: A quantity.
        b: Another quantity, or a number.
        by: Margin; negative if a may be that much lower.
        clear: Difference beyond the margin that decides with a single seed.
    """
    return _compare(a, b, by, clear, sign=1)


def below(a: Quantity, b: "Quantity | float" = 0.0, by: float = 0.0, clear: float = CLEAR) -> Check:
    """Whether a is below b, by at least a margin."""
    return _compare(a, b, by, clear, sign=-1)


def within(a: Quantity, radius: float, clear: float = CLEAR) -> Check:
    """Whether a is closer to 0 than the radius."""
    return all_of([below(a, radius, clear=clear), above(a, -radius, clear=clear)], f"{a.name} {a}")


def better(a: Quantity, b: Quantity) -> Check:
    """Whether a is better than b in a metric; with a single seed, a difference of 1 % decides."""
    return above(a.over(b)).saying(_against(a, b))


def all_of(checks: Iterable[Check], text: str | None = None) -> Check:
    """Whether every check holds."""
    checks = list(checks)
    return at_least(len(checks), checks, text)


def any_of(checks: Iterable[Check], text: str | None = None) -> Check:
    """Whether any check holds."""
    return at_least(1, checks, text)


def at_least(count: int, checks: Iterable[Check], text: str | None = None) -> Check:
    """Whether at least a number of checks hold.

    Args:
        count: Number of checks that must hold.
        checks: The checks.
        text: Replaces the joined texts of the checks.
    """
    checks = list(checks)
    sure = sum(check.holds is True for check in checks)
    possible = sum(check.holds is not False for check in checks)
    holds = True if sure >= count else None if possible >= count else False
    found = Check(holds, "", frozenset().union(*(check.bases for check in checks)))
    if text is not None:
        return found.saying(text)
    return found.worded("; ".join(dict.fromkeys(check.text for check in checks)))


def tally(checks: Sequence[Check]) -> str:
    """Counts of checks that hold and are open: "13 of 14", "1 of 3, 1 open"."""
    undecided = sum(check.holds is None for check in checks)
    return f"{sum(check.holds is True for check in checks)} of {len(checks)}" + f", {undecided} open" * bool(undecided)


def rank_correlation(one: Numbers, other: Numbers) -> tuple[float, float]:
    """Spearman's rho and its p-value; NaN if all numbers of a sequence are equal."""
    if np.ptp(one) == 0 or np.ptp(other) == 0:
        return np.nan, np.nan
    found: Any = spearmanr(one, other)  # SciPy has no types
    return float(found.statistic), float(found.pvalue)


def uncorrelated(one: Numbers, other: Numbers, name: str, seeds: int) -> Check:
    """Whether the rank correlation is not significant at 5 %; with so few numbers it seldom is.

    Args:
        one: Numbers, each a mean over seeds.
        other: As many numbers.
        name: Begins the text.
        seeds: Number of seeds.
    """
    rho, p = rank_correlation(one, other)
    holds = None if np.isnan(p) else p >= LEVEL
    bases = frozenset({Basis("rank correlation", seeds)})
    return Check(holds, "", bases).saying(f"{name} rho {signed(rho, 2)}, p {p:.2f} over {len(one)}")


def _compare(a: Quantity, b: "Quantity | float", by: float, clear: float, sign: int) -> Check:
    if isinstance(b, Quantity):
        difference, text = (a - b).numbers, _against(a, b)
    else:
        difference, text = a.numbers - b, f"{a.name} {a}"
    excess = sign * difference - by
    holds = _decide(excess, clear, exact=a.exact, strictly=by == 0)
    return Check(holds, "", frozenset() if a.exact else frozenset({_basis(excess, holds)})).saying(text)


def _basis(excess: np.ndarray, holds: bool | None) -> Basis:
    seeds = len(excess)
    if seeds == 1:
        return Basis(ONE_SEED, seeds)
    if not np.isfinite(excess).all() or np.ptp(excess) <= EQUAL * np.abs(excess).max():
        return Basis("agreement of the seeds", seeds)
    return Basis("paired t-test", seeds, abs(excess.mean()) / excess.std(ddof=1) if holds is None else None)


def _decide(excess: np.ndarray, clear: float, *, exact: bool, strictly: bool) -> bool | None:
    """Whether the excess over the margin is positive; None if undecided."""
    mean = excess.mean()
    if not np.isfinite(excess).all():  # a ratio over 0, or NaN
        return True if (excess > 0).all() else False if (excess < 0).all() else None
    if exact:
        return bool(mean > 0 if strictly else mean >= 0)
    if len(excess) == 1:
        return None if abs(mean) < clear else bool(mean > 0)
    if np.ptp(excess) <= EQUAL * np.abs(excess).max():  # no variance: the t-test is undefined
        return None if mean == 0 else bool(mean > 0)
    return bool(mean > 0) if ttest_rel(excess, np.zeros_like(excess)).pvalue < LEVEL else None


def _against(a: Quantity, b: Quantity) -> str:
    """Both numbers, with the common part of their names written once."""
    name = b.name if a.where != b.where else b.what
    return f"{a.name} {a} against {name} {b}" if name != a.what else f"{a.name} {a} against {b}"
