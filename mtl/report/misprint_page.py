"""What `make check-paper` says: how many printed Delta_m follow from their rows, and which do not."""

from collections import Counter
from collections.abc import Sequence

from tabulate import tabulate

from mtl.report.markdown import markdown_table
from mtl.report.misprints import AGREES, REPAIRED, Finding

HEADINGS = ("row", "printed", "recomputed", "difference", "allowed by rounding", "verdict")


def count_line(findings: Sequence[Finding]) -> str:
    """One sentence with the counts."""
    counts = Counter(finding.verdict for finding in findings)
    reprints = sum(finding.verdict == "misfit" and finding.reprint for finding in findings)
    return (
        f"{len(findings)} printed Delta_m: {counts['ok']} agree with their cells to {AGREES}, "
        f"{counts['rounding']} more are inside what rounding allows, {counts['misfit']} do not fit "
        f"({reprints} of them reprinted from another table)."
    )


def console(findings: Sequence[Finding]) -> str:
    """Counts, the rows that do not agree, and below each what could explain it."""
    lines = tabulate(_table(findings), HEADINGS, "simple", disable_numparse=True)
    hints = [f"{found.row}:\n  " + "\n  ".join(found.hints) for found in findings if found.hints and not found.reprint]
    return "\n\n".join([count_line(findings), lines, _reading(), *hints])


def page(findings: Sequence[Finding]) -> str:
    """The Markdown file."""
    hints = ["; ".join(finding.hints) for finding in _listed(findings)]
    table = [(*line, hint) for line, hint in zip(_table(findings), hints, strict=True)]
    lines = markdown_table((*HEADINGS, "what would explain it"), table)
    parts = ["# Printed Delta_m against the cells of their rows", count_line(findings), lines, _reading()]
    return "\n\n".join([*parts, "Made by `python scripts/check_paper.py`."]) + "\n"


def _listed(findings: Sequence[Finding]) -> list[Finding]:
    return [finding for finding in findings if finding.verdict != "ok"]


def _table(findings: Sequence[Finding]) -> list[tuple[str, ...]]:
    return [
        (
            *(found.row, found.printed, f"{found.recomputed:+z.3f}", f"{found.difference:+z.3f}"),
            *(f"{found.low:+z.3f} to {found.high:+z.3f}", found.verdict),
        )
        for found in _listed(findings)
    ]


def _reading() -> str:
    return (
        f"An explanation is a single digit that brings row and Delta_m within {REPAIRED} of each other, or another row "
        "with the same cells. Such digits prove little: of correct rows whose Delta_m is shifted by some tenths, "
        "more than half admit one. The numbers in results/paper are as printed."
    )
