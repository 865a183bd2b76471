"""The claims and misprints in the form that the page template needs."""

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

import pandas as pd

from mtl.report.misprints import Finding

MARKS = {"holds": "✓", "fails": "✗", "undecided": "?", "not run": "–", "no data": "–"}  # shown next to the verdict
WHOSE = {"paper": "Paper's numbers", "ours": "Our runs"}


class Judgement(NamedTuple):
    """Verdict on a claim by one kind of evidence.

    Args:
        whose: `paper` or `ours`.
        word: The verdict.
        quantity: The numbers behind it.
        basis: Settings, tests and seeds; empty for the paper.
    """

    whose: str
    word: str
    quantity: str
    basis: str

    @property
    def slug(self) -> str:
        """The verdict as a CSS class."""
        return self.word.replace(" ", "-")


class Claim(NamedTuple):
    """A claim of the paper.

    Args:
        number: Its number.
        text: Statement of the claim.
        where: Place in the paper.
        rule: Pass rule.
        judgements: Verdicts on the paper's numbers and on ours.
    """

    number: int
    text: str
    where: str
    rule: str
    judgements: list[Judgement]


class Choice(NamedTuple):
    """A filter that shows the claims with one verdict.

    Args:
        whose: `paper` or `ours`.
        slug: The verdict as a CSS class.
        word: The verdict.
        claims: Number of claims with it.
    """

    whose: str
    slug: str
    word: str
    claims: int


def grouped_claims(claims: pd.DataFrame, found: pd.DataFrame) -> dict[str, list[Claim]]:
    """Group -> its claims.

    Args:
        claims: Result of `read_claims`.
        found: Result of `verdicts`.
    """
    groups: dict[str, list[Claim]] = {}
    for number in found.index:
        row, about = found.loc[number], claims.loc[number]
        judged = [Judgement(w, row[w], row[f"{w}_quantity"], row.get(f"{w}_basis", "")) for w in WHOSE]
        groups.setdefault(row["group"], []).append(
            Claim(number, row["claim"], about["where"], about["rule"], judged),
        )
    return groups


def choices(found: pd.DataFrame) -> dict[str, list[Choice]]:
    """The verdicts that occur, for both kinds of evidence."""
    counts = {whose: Counter(found[whose]) for whose in WHOSE}
    return {
        whose: [
            Choice(whose, word.replace(" ", "-"), word, counts[whose][word]) for word in MARKS if counts[whose][word]
        ]
        for whose in WHOSE
    }


def misprint_lines(findings: Sequence[Finding]) -> list[tuple[str, ...]]:
    """Row, printed and recomputed Delta_m, rounding interval, verdict and possible explanations."""
    return [
        (
            *(found.row, found.printed, f"{found.recomputed:+z.3f}", f"{found.low:+z.3f} to {found.high:+z.3f}"),
            *(found.verdict + ", a reprint" * found.reprint, "; ".join(found.hints)),
        )
        for found in findings
        if found.verdict != "ok"
    ]
