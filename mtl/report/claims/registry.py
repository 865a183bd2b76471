"""The claims as data, and the registry of their predicates."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from mtl.report.claims.check import ONE_SEED, Check
from mtl.report.claims.evidence import Evidence
from mtl.report.claims.quantity import MissingError
from mtl.report.numbers.statistics.paired import POWER, power
from mtl.report.read.frame import read_frame

Predicate = Callable[[Evidence], Check]
PREDICATES: dict[int, Predicate] = {}
MOST = 100  # seeds
WORDS = {True: "holds", False: "fails", None: "undecided"}


class Verdict(NamedTuple):
    """Verdict on a claim.

    Args:
        word: `holds`, `fails`, `undecided`, `not run`, or `no data` if the paper gives no numbers.
        quantity: The numbers behind the verdict, or what is missing.
        settings: Of how many settings the numbers are there, if not of all: "2 of 5".
        seeds: Number of seeds of the comparisons: "3", "1 to 3".
        test: Names of the tests.
        wanted: What would decide the claim; empty if it is decided.
    """

    word: str
    quantity: str
    settings: str = ""
    seeds: str = ""
    test: str = ""
    wanted: str = ""

    @property
    def basis(self) -> str:
        """Settings, tests and seeds in words."""
        seeds = f"{self.seeds} seed{'s' * (self.seeds != '1')}" if self.seeds else ""
        return ", ".join(filter(None, [f"{self.settings} settings" * bool(self.settings), self.test, seeds]))


def claim(number: int) -> Callable[[Predicate], Predicate]:
    """Registers the predicate of a claim.

    Raises:
        ValueError: The claim already has a predicate.
    """

    def register(predicate: Predicate) -> Predicate:
        if number in PREDICATES:
            raise ValueError(
                f"claim {number} has two predicates: {PREDICATES[number].__name__} and {predicate.__name__}"
            )
        PREDICATES[number] = predicate
        return predicate

    return register


def judge(number: int, evidence: Evidence) -> Verdict:
    """Judges a claim on the evidence; a claim about several settings on those that have all numbers."""
    evidence.missing.clear()
    try:
        check = PREDICATES[number](evidence)
    except MissingError as missing:
        needed = listed(str(missing).split("; "))
        return Verdict("no data" if evidence.exact else "not run", f"needs {needed}", wanted=needed)
    lacking = [reason for reason in evidence.missing.values() if reason]
    text, settings = check.text, ""
    if lacking:
        there = [part for part, reason in evidence.missing.items() if not reason]
        settings = f"{len(there)} of {len(evidence.missing)}"
        unknown = "no number for" if evidence.exact else f"judged on {', '.join(there)} alone; missing:"
        text += f"; {unknown} {listed(lacking)}"
    seeds = sorted({basis.seeds for basis in check.bases})
    return Verdict(
        WORDS[check.holds],
        text,
        settings,
        " to ".join(map(str, dict.fromkeys((*seeds[:1], *seeds[-1:])))),
        "; ".join(sorted({basis.test for basis in check.bases})),
        wanted(check) if check.holds is None else "",
    )


def listed(reasons: Iterable[str]) -> str:
    """Missing numbers as text, those of the same method together: "UW on NYUD R18, PASCAL R18; DWA on NYUD R18"."""
    places: dict[str, dict[str, None]] = {}
    for reason in reasons:
        what, _, place = reason.rpartition(" on ")
        places.setdefault(what or place, {})[place] = None
    return "; ".join(what if what in where else f"{what} on {', '.join(where)}" for what, where in places.items())


def wanted(check: Check) -> str:
    """The number of seeds that would decide an undecided claim, if its differences and their spread stay the same."""
    if any(basis.test == ONE_SEED for basis in check.bases):
        return "two or more seeds of every run"
    effects = [basis.effect for basis in check.bases if basis.effect is not None]
    if not effects:
        return "no number of seeds"
    most = next((seeds for seeds in range(2, MOST + 1) if power(min(effects), seeds) >= POWER), None)
    return f"about {most} seeds" if most else f"more than {MOST} seeds"


def read_claims(folder: Path) -> pd.DataFrame:
    """Reads group, place in the paper, statement, pass rule and paper's numbers of every claim, by number."""
    columns = ("number", "group", "where", "claim", "rule", "numbers")
    return read_frame(folder / "claims.csv", columns, printed=("number",), keep_default_na=False).set_index("number")
