"""How a comparison is decided, and how comparisons make a claim.

The rule. Numbers are compared seed by seed. From two seeds on, a paired t-test at 5 % (two-sided) has to tell the
mean difference from the margin that the claim asks for; else the comparison is undecided. With one seed the noise is
unknown, and only a difference that clears the margin by one point (or what the caller thinks clear) decides. The
paper has one number a cell: it is taken as printed. A claim of many comparisons holds where as many hold as it needs,
fails where enough of them are false, and is undecided in between. Levels are not corrected for the number of
comparisons: a claim of twenty may fail by chance, so its quantity says which one did.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
from scipy.stats import spearmanr, ttest_rel

from mtl.report.claims.quantity import Quantity
from mtl.report.render.style import signed

LEVEL = 0.05
CLEAR = 1.0  # points


class Check(NamedTuple):
    """A comparison, or several.

    Args:
        holds: None where it is undecided.
        text: The numbers it rests on.
    """

    holds: bool | None
    text: str

    def saying(self, text: str) -> "Check":
        """The same with another text, marked where it does not hold."""
        return Check(self.holds, text + {True: "", False: " (no)", None: " (open)"}[self.holds])

    def __invert__(self) -> "Check":
        return Check(None if self.holds is None else not self.holds, self.text)


def above(a: Quantity, b: "Quantity | float" = 0.0, by: float = 0.0, clear: float = CLEAR) -> Check:
    """Whether a exceeds b, or exceeds it by at least so much.

    Args:
        a: A quantity.
        b: Another, or a number.
        by: Least difference; negative where a may lie that much below.
        clear: What is clear beyond noise with a single seed.
    """
    return _compare(a, b, by, clear, sign=1)


def below(a: Quantity, b: "Quantity | float" = 0.0, by: float = 0.0, clear: float = CLEAR) -> Check:
    """Whether a lies below b, or at least so much below it."""
    return _compare(a, b, by, clear, sign=-1)


def within(a: Quantity, radius: float, clear: float = CLEAR) -> Check:
    """Whether a is closer to 0 than the radius."""
    return all_of([below(a, radius, clear=clear), above(a, -radius, clear=clear)], f"{a.name} {a}")


def better(a: Quantity, b: Quantity) -> Check:
    """Whether a is better than b in a metric; a difference of 1 % is clear."""
    return Check(above(a.over(b)).holds, "").saying(_against(a, b))


def all_of(checks: Iterable[Check], text: str | None = None) -> Check:
    """Whether every check holds."""
    checks = list(checks)
    return at_least(len(checks), checks, text)


def any_of(checks: Iterable[Check], text: str | None = None) -> Check:
    """Whether a check holds."""
    return at_least(1, checks, text)


def at_least(count: int, checks: Iterable[Check], text: str | None = None) -> Check:
    """Whether so many checks hold.

    Args:
        count: How many are needed.
        checks: The checks.
        text: What to say instead of what they say.
    """
    checks = list(checks)
    sure = sum(check.holds is True for check in checks)
    possible = sum(check.holds is not False for check in checks)
    holds = True if sure >= count else None if possible >= count else False
    if text is not None:
        return Check(holds, "").saying(text)
    return Check(holds, "; ".join(dict.fromkeys(check.text for check in checks)))


def tally(checks: Sequence[Check]) -> str:
    """How many hold: "13 of 14", and how many are open."""
    undecided = sum(check.holds is None for check in checks)
    return f"{sum(check.holds is True for check in checks)} of {len(checks)}" + f", {undecided} open" * bool(undecided)


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


def _compare(a: Quantity, b: "Quantity | float", by: float, clear: float, sign: int) -> Check:
    if isinstance(b, Quantity):
        difference, text = (a - b).numbers, _against(a, b)
    else:
        difference, text = a.numbers - b, f"{a.name} {a}"
    excess = sign * difference - by
    return Check(_decide(excess, clear, exact=a.exact, strictly=by == 0), "").saying(text)


def _decide(excess: np.ndarray, clear: float, *, exact: bool, strictly: bool) -> bool | None:
    """Whether the excess over the margin is positive; None if that cannot be told."""
    mean = excess.mean()
    if not np.isfinite(excess).all():  # a ratio over 0, or no number at all
        return True if (excess > 0).all() else False if (excess < 0).all() else None
    if exact:
        return bool(mean > 0 if strictly else mean >= 0)
    if len(excess) == 1:
        return None if abs(mean) < clear else bool(mean > 0)
    if np.ptp(excess) <= 1e-9 * np.abs(excess).max():  # no noise at all, and no t-test
        return None if mean == 0 else bool(mean > 0)
    return bool(mean > 0) if ttest_rel(excess, np.zeros_like(excess)).pvalue < LEVEL else None


def _against(a: Quantity, b: Quantity) -> str:
    """Both numbers, with what they have in common said once."""
    name = b.name if a.where != b.where else b.what
    return f"{a.name} {a} against {name} {b}" if name != a.what else f"{a.name} {a} against {b}"
