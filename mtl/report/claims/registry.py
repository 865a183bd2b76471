"""The claims as data, and the registry of their predicates."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from mtl.report.claims.check import Check
from mtl.report.claims.evidence import Evidence
from mtl.report.claims.quantity import MissingError
from mtl.report.read.frame import read_frame

Predicate = Callable[[Evidence], Check]
PREDICATES: dict[int, Predicate] = {}
WORDS = {True: "holds", False: "fails", None: "undecided"}


class Verdict(NamedTuple):
    """Verdict on a claim.

    Args:
        word: `holds`, `fails`, `undecided`, `not run`, or `no data` if the paper gives no numbers.
        quantity: The numbers behind the verdict, or what is missing.
    """

    word: str
    quantity: str


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
    """Judges a claim on the evidence."""
    try:
        check = PREDICATES[number](evidence)
    except MissingError as missing:
        return Verdict("no data" if evidence.exact else "not run", f"needs {missing}")
    return Verdict(WORDS[check.holds], check.text)


def read_claims(folder: Path) -> pd.DataFrame:
    """Reads group, place in the paper, statement, pass rule and paper's numbers of every claim, by number."""
    columns = ("number", "group", "where", "claim", "rule", "numbers")
    return read_frame(folder / "claims.csv", columns, printed=("number",), keep_default_na=False).set_index("number")
