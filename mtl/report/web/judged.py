"""The paper's claims and its contradictions, as the page shows them."""

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

import pandas as pd

from mtl.report.misprints import Finding

MARKS = {"holds": "✓", "fails": "✗", "undecided": "?", "not run": "–", "no data": "–"}  # next to the word
WHOSE = {"paper": "Paper's numbers", "ours": "Our runs"}


class Judgement(NamedTuple):
    """What became of a claim on one kind of evidence.

    Args:
        whose: `paper` or `ours`.
        word: The verdict.
        quantity: The numbers that it rests on.
    """

    whose: str
    word: str
    quantity: str

    @property
    def slug(self) -> str:
        """The verdict as a class of CSS."""
        return self.word.replace(" ", "-")


class Claim(NamedTuple):
    """A claim of the paper.

    Args:
        number: Its number.
        text: What is claimed.
        where: Place in the paper.
        rule: When it holds.
        judgements: On the paper's numbers and on ours.
    """

    number: int
    text: str
    where: str
    rule: str
    judgements: list[Judgement]


class Choice(NamedTuple):
    """A verdict to show alone.

    Args:
        whose: `paper` or `ours`.
        slug: The verdict as a class of CSS.
        word: The verdict.
        count: How many claims have it.
    """

    whose: str
    slug: str
    word: str
    count: int


def grouped_claims(claims: pd.DataFrame, found: pd.DataFrame) -> dict[str, list[Claim]]:
    """The claims of each group.

    Args:
        claims: Result of `read_claims`.
        found: Result of `verdicts` on them.
    """
    groups: dict[str, list[Claim]] = {}
    for number, row in found.iterrows():
        judged = [Judgement(whose, row[whose], row[f"{whose}_quantity"]) for whose in WHOSE]
        about = claims.loc[number]
        groups.setdefault(row["group"], []).append(
            Claim(number, row["claim"], about["where"], about["rule"], judged),
        )
    return groups


def choices(found: pd.DataFrame) -> dict[str, list[Choice]]:
    """For both kinds of evidence, the verdicts that occur."""
    counts = {whose: Counter(found[whose]) for whose in WHOSE}
    return {
        whose: [
            Choice(whose, word.replace(" ", "-"), word, counts[whose][word]) for word in MARKS if counts[whose][word]
        ]
        for whose in WHOSE
    }


def misprint_lines(findings: Sequence[Finding]) -> list[tuple[str, ...]]:
    """Row, printed and recomputed Delta_m, what rounding allows, verdict, and what would explain it."""
    return [
        (
            *(found.row, found.printed, f"{found.recomputed:+z.3f}", f"{found.low:+z.3f} to {found.high:+z.3f}"),
            *(found.verdict + ", a reprint" * found.reprint, "; ".join(found.hints)),
        )
        for found in findings
        if found.verdict != "ok"
    ]
