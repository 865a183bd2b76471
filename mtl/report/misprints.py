"""Finds printed Delta_m values that are inconsistent with the cells of their own row.

Guo et al., Revisit the Imbalance Optimization in Multi-task Learning, 2025.
https://arxiv.org/abs/2509.23915, Tables II to VII.

Every Delta_m is recomputed from the printed cells of its row and of its baseline row. A cell represents all numbers
that round to it, so the recomputed value is only known to within an interval, about +-0.06 points.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import pandas as pd
from tabulate import tabulate

from mtl.delta_m import delta_m, task_gain
from mtl.report.read.frame import read_frame
from mtl.report.render.text import markdown_table

TABLES = ("II", "III", "IV", "V", "VI", "VII")
HIGHER_IS_BETTER = {
    "seg_miou": True,
    "hparts_miou": True,
    "depth_rmse": False,
    "normal_merr": False,
    "sal_maxf": True,
    "edge_odsf": True,
}
AGREES = 0.02  # points of Delta_m: rounding to two or four decimals seldom moves it further
REPAIRED = 0.015  # points of Delta_m: tolerance for a repaired cell
DECIMALS = {"edge_odsf": 1}  # significant decimals: the second printed one is always 0
HEADINGS = ("row", "printed", "recomputed", "difference", "allowed by rounding", "verdict")

Cells = Mapping[str, str]  # column -> printed text


class Finding(NamedTuple):
    """Result of checking one printed Delta_m.

    Args:
        row: Key of the row.
        printed: Delta_m as the paper prints it, in percent.
        recomputed: Delta_m of the printed cells, in percent.
        low: Lowest printed Delta_m possible for numbers that round to the printed cells.
        high: Highest such Delta_m.
        verdict: `ok`, `rounding` (differs by more than `AGREES`, but rounding can explain it) or `misfit`.
        hints: For a misfit, the single-digit changes that would explain it and other rows with the same cells.
        reprint: Whether an earlier table already prints the same row.
    """

    row: str
    printed: str
    recomputed: float
    low: float
    high: float
    verdict: str
    hints: tuple[str, ...]
    reprint: bool

    @property
    def difference(self) -> float:
        """Printed minus recomputed, in points."""
        return float(self.printed) - self.recomputed


def read_tables(folder: Path) -> pd.DataFrame:
    """Reads Tables II to VII as printed, indexed by row key; a cell is empty if the dataset lacks the task."""
    printed = (*HIGHER_IS_BETTER, "delta_m_printed")
    columns, text = ["row_id", "method", "baseline_row_id", *printed], {"dtype": str, "keep_default_na": False}
    frames = [read_frame(folder / f"table_{table}.csv", columns, printed=printed, **text) for table in TABLES]
    return pd.concat(frames, ignore_index=True).set_index("row_id")


def check(tables: pd.DataFrame) -> list[Finding]:
    """Checks every row, in table order."""
    rows = {str(key): _cells(row) for key, row in tables.iterrows()}
    findings, seen = [], set()
    for key, cells in rows.items():
        printed, baseline = tables["delta_m_printed"][key], tables["baseline_row_id"][key]
        content = (baseline, tables["method"][key], printed, *cells.items())
        finding = _finding(key, printed, cells, rows[baseline], is_baseline=key == baseline)
        if finding.verdict == "misfit":
            hints = (*_repairs(printed, cells, rows[baseline]), *_copies(key, rows))
            finding = finding._replace(hints=hints)
        findings.append(finding._replace(reprint=content in seen))
        seen.add(content)
    return findings


def _cells(row: pd.Series) -> Cells:
    return {column: row[column] for column in HIGHER_IS_BETTER if row[column]}


def _finding(key: str, printed: str, cells: Cells, baseline: Cells, *, is_baseline: bool) -> Finding:
    recomputed = _delta(cells, baseline)
    low, high = (0.0, 0.0) if is_baseline else _allowed(cells, baseline, _half(printed))
    if abs(float(printed) - recomputed) <= AGREES:
        verdict = "ok"
    else:
        verdict = "rounding" if low <= float(printed) <= high else "misfit"
    return Finding(key, printed, recomputed, low, high, verdict, (), False)


def _delta(cells: Cells, baseline: Cells) -> float:
    return delta_m([task_gain(float(c), float(baseline[k]), HIGHER_IS_BETTER[k]) for k, c in cells.items()])


def _allowed(cells: Cells, baseline: Cells, half: float) -> tuple[float, float]:
    """Lowest and highest Delta_m; each gain is monotonic in both of its numbers, so the interval ends suffice."""
    ends = []
    for column, cell in cells.items():
        up, base_up = _half(cell, column), _half(baseline[column], column)
        corners = [(float(cell) + sign * up, float(baseline[column]) - sign * base_up) for sign in (-1, 1)]
        ends.append(sorted(task_gain(value, reference, HIGHER_IS_BETTER[column]) for value, reference in corners))
    return delta_m([low for low, _ in ends]) - half, delta_m([high for _, high in ends]) + half


def _half(cell: str, column: str = "") -> float:
    """Half a unit of the last significant digit."""
    return 0.5 * 10.0 ** -DECIMALS.get(column, len(cell.partition(".")[2]))


def _repairs(printed: str, cells: Cells, baseline: Cells) -> Iterator[str]:
    """Single-digit changes that make the row consistent: first in a metric, then in Delta_m itself."""
    for column, cell in cells.items():
        for other in _other_digits(cell, column):
            value = _delta({**cells, column: other}, baseline)
            if abs(value - float(printed)) <= REPAIRED:
                yield f"{column} {cell} -> {other} ({value:+.3f})"
    recomputed = _delta(cells, baseline)
    nearest = min(_other_digits(printed), key=lambda other: abs(recomputed - float(other)))
    if abs(recomputed - float(nearest)) <= REPAIRED:
        yield f"delta_m {printed} -> {nearest}"


def _other_digits(cell: str, column: str = "") -> Iterator[str]:
    """All variants of the cell with one significant digit changed."""
    silent = len(cell.partition(".")[2]) - DECIMALS[column] if column in DECIMALS else 0
    for place in range(len(cell) - silent):
        if cell[place].isdigit():
            changed = (cell[:place] + digit + cell[place + 1 :] for digit in "0123456789" if digit != cell[place])
            yield from (other for other in changed if float(other) != 0)


def _copies(key: str, rows: Mapping[str, Cells]) -> Iterator[str]:
    """Other rows that share more than half of the cells with this one, but not all (all would be a reprint)."""
    own = set(rows[key].items())
    for other, cells in rows.items():
        if len(own) / 2 < (shared := len(own & set(cells.items()))) < len(own):
            yield f"{shared} of {len(own)} cells as in {other}"


def count_line(findings: Sequence[Finding]) -> str:
    """Summarises the verdicts in one sentence."""
    counts = Counter(finding.verdict for finding in findings)
    reprints = sum(finding.verdict == "misfit" and finding.reprint for finding in findings)
    return (
        f"{len(findings)} printed Delta_m values: {counts['ok']} match their cells within {AGREES}, "
        f"{counts['rounding']} more can be explained by rounding, {counts['misfit']} do not match "
        f"({reprints} of them reprinted from another table)."
    )


def console(findings: Sequence[Finding]) -> str:
    """Formats the counts, the rows that do not match, and possible explanations for the console."""
    lines = tabulate(_table(findings), HEADINGS, "simple", disable_numparse=True)
    hints = [f"{found.row}:\n  " + "\n  ".join(found.hints) for found in findings if found.hints and not found.reprint]
    return "\n\n".join([count_line(findings), lines, _reading(), *hints])


def markdown(findings: Sequence[Finding]) -> str:
    """Formats the findings as a Markdown file."""
    hints = ["; ".join(finding.hints) for finding in _listed(findings)]
    table = [(*line, hint) for line, hint in zip(_table(findings), hints, strict=True)]
    lines = markdown_table((*HEADINGS, "what would explain it"), table)
    parts = ["# Printed Delta_m compared with the cells of their rows", count_line(findings), lines, _reading()]
    return "\n\n".join([*parts, "Generated by `python scripts/check_paper.py`."]) + "\n"


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
        f"An explanation is a single-digit change that brings Delta_m and its cells within {REPAIRED} of each other, "
        "or another row with the same cells. A single-digit change is weak evidence: more than half of the correct "
        "rows admit one if their Delta_m is shifted by a few tenths. The numbers in results/paper are as printed."
    )
