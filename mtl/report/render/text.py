"""Formats the result of `numbers.table` as Markdown, LaTeX, CSV or console text."""

import re
from collections.abc import Iterable, Mapping, Sequence

import pandas as pd
from tabulate import tabulate

from mtl.report.names import BLOCK, chosen_on, heading, named, notation
from mtl.report.numbers.grouped import grouped
from mtl.report.numbers.table import best_rows

BOLD = {"pipe": "**{}**", "latex_raw": r"\textbf{{{}}}", "html": "<strong>{}</strong>"}
LATEX = {
    "%": r"\%",
    "±": r"$\pm$",
    "↑": r"$\uparrow$",
    "↓": r"$\downarrow$",
    "Δ": r"$\Delta$",
    "δ": r"$\delta$",
    "≈": r"$\approx$",
    "_": r"\_",
}
NOISE = "≈"
BREAK = re.compile(" (?![↑↓%])")  # line breaks in console headers keep columns narrow

Column = tuple[str, str]
Columns = list[tuple[str, list[str]]]  # header and cells of each
Metrics = Mapping[str, tuple[str, bool]]  # task -> its metric, and whether higher is better


def blocks(table: pd.DataFrame, metrics: Metrics, form: str) -> dict[str, list[str]]:
    """Heading of each block -> its tables: primary metrics, best and last; other metrics; ranks, weights and costs.

    Args:
        table: Result of `numbers.table.table_of`.
        metrics: Primary metric of each task.
        form: `pipe` for Markdown, `latex_raw` for LaTeX, `simple` for the console.
    """
    return {
        title: [_tabulate(labels, part, form) for part in parts if part]
        for title, (labels, parts) in columns(table, metrics, form).items()
    }


def columns(table: pd.DataFrame, metrics: Metrics, form: str) -> dict[str, tuple[list[str], list[Columns]]]:
    """Heading of each block -> its row labels and the columns of its tables, with formatted cells.

    Args:
        table: Result of `numbers.table.table_of`.
        metrics: Primary metric of each task.
        form: As for `blocks`, or `html`: cells contain only numbers and tags, so they need no escaping.
    """
    best = {key: best_rows(table, key, better) for key, (_, better) in _judged(metrics).items()}
    return {
        ", ".join(key): (
            [label(row) for row in block.index],
            [_quality(block, metrics, best, form), _last(block, metrics), _others(block), _costs(block, metrics)],
        )
        for key, block in grouped(table, BLOCK)
    }


def label(row: tuple) -> str:
    """Name of a row within its block."""
    *_, initialization, operation, method, variant = row
    place = ", ".join(word for word in (initialization, operation) if word)
    return f"{place}: " * bool(place) + named(method, variant)


def flat(table: pd.DataFrame) -> pd.DataFrame:
    """The table with flat column names such as `ours/semseg`, for a CSV file."""
    known = table.dropna(axis=1, how="all")
    return known.set_axis(["/".join(column) for column in known.columns], axis=1).reset_index()


def _quality(block: pd.DataFrame, metrics: Metrics, best: Mapping[str, set], form: str) -> Columns:
    """Our value, the paper's and the difference, for every task and Delta_m."""
    columns = []
    for key, (metric, better) in _judged(metrics).items():
        title, plus, digits = _notation(key, metric, better)
        values = zip(block.index, block["noise", key], block["ours", key], block["std", key], strict=True)
        cells = [
            _marked(_pair(mean, std, digits, plus), row in best[key], noise, form) for row, noise, mean, std in values
        ]
        columns.append((title, cells))
        if ("paper", key) in block and block["paper", key].notna().any():
            columns.append(("paper", [_number(value, f"{plus}.{digits}f") for value in block["paper", key]]))
            columns.append(("diff.", [_number(value, f"+z.{digits}f") for value in block["difference", key]]))
    return columns


def _last(block: pd.DataFrame, metrics: Metrics) -> Columns:
    """Our values at the last evaluation, for every task and Delta_m."""
    columns = []
    for key, (metric, better) in _judged(metrics).items():
        title, plus, digits = _notation(key, metric, better)
        if ("last", key) in block and block["last", key].notna().any():
            columns.append((f"last {title}", [_number(value, f"{plus}.{digits}f") for value in block["last", key]]))
    return columns


def _others(block: pd.DataFrame) -> Columns:
    """The metrics that are not primary, where the table has them."""
    columns = []
    for key in [key for group, key in block.columns if group == "other" and block[group, key].notna().any()]:
        task, metric = key.split("/")
        title, plus, digits = _notation(task, metric, notation(task, metric).higher_is_better)
        values = zip(block["other", key], block["spread", key], strict=True)
        columns.append((title, [_pair(mean, std, digits, plus) for mean, std in values]))
    return columns


def _costs(block: pd.DataFrame, metrics: Metrics) -> Columns:
    """Ranks, weights and costs."""
    shown: list[tuple[str, Column, str]] = [("mean rank ↓", ("rank", "mean"), ".2f")]
    for task in metrics:
        shown.append((f"{task.replace('_', ' ')} weight", ("weight", task), ".3g"))
        shown.append(("paper", ("printed", task), ".4g"))
    shown += [
        ("step time ↓", ("cost", "time"), ".2f"),
        ("memory ↓", ("cost", "memory"), ".2f"),
        ("encoder passes ↓", ("cost", "passes"), ".0f"),
        ("seeds", ("runs", "seeds"), ".0f"),
    ]
    known = [(title, column, form) for title, column, form in shown if column in block and block[column].notna().any()]
    return [(title, [_number(value, form) for value in block[column]]) for title, column, form in known]


def _judged(metrics: Metrics) -> dict[str, tuple[str, bool]]:
    return {**metrics, "delta_m": ("delta_m", True)}


def _notation(key: str, metric: str, better: bool) -> tuple[str, str, int]:
    """Header of a column, sign flag of its numbers, and their digits."""
    if key == "delta_m":
        return "Δm % ↑", "+z", 2
    return heading(key, metric, better), "", notation(key, metric).digits


def _number(value: float, form: str) -> str:
    return "" if pd.isna(value) else f"{value:{form}}"


def _pair(mean: float, std: float, digits: int, plus: str) -> str:
    spread = f" ± {std:.{digits}f}" if std > 0 else ""
    return _number(mean, f"{plus}.{digits}f") + spread if pd.notna(mean) else ""


def _marked(cell: str, best: bool, noise: bool, form: str) -> str:
    if best and cell:
        return BOLD.get(form, "{}*").format(cell)
    return f"{cell} {NOISE}" if noise and cell else cell


def _tabulate(labels: list[str], part: Columns, form: str) -> str:
    """Formats the columns of a block as a table, numbers right-aligned."""
    titles, cells = zip(*part, strict=True)
    if form == "simple":
        titles = [BREAK.sub("\n", title) for title in titles]
    rows = zip(labels, *cells, strict=True)
    aligned = ["left", *["right"] * len(titles)]
    text = tabulate(rows, ["method", *titles], tablefmt=form, disable_numparse=True, colalign=aligned)
    return text.translate(str.maketrans(LATEX)) if form == "latex_raw" else text


def notes(table: pd.DataFrame, divided_by: str) -> list[str]:
    """Notes below a table that explain its columns and marks.

    Args:
        table: Result of `numbers.table.table_of`.
        divided_by: Description of the networks that Delta_m is relative to.
    """
    seeds = int(table["runs", "seeds"].max())
    if seeds > 1:
        count = f"mean ± sample standard deviation over {seeds} seeds"
        best = (
            f"Bold: best multi-task mean of a block; {NOISE}: not significantly worse (paired t-test over seeds, 5 %)."
        )
    else:
        count = "one seed"
        best = "Bold: best multi-task value of a block; with one seed, the difference may be noise."
    lines = [
        f"Values: {count}, from the best evaluation, which has the best mean of log metrics over tasks.",
        *chosen_on(table.index.get_level_values("dataset")),
        f"Δm: mean gain over tasks, relative to {divided_by} of the same seed; last: from the last evaluation.",
        best,
        "Step time and memory: relative to Uniform on the same device, if both or neither measured feature distances; "
        "single-task: sum of times, largest memory.",
        "Encoder passes: backward passes through the encoder per step. Weights: mean over all steps.",
    ]
    return lines + ["Some rows have fewer seeds, see the column seeds."] * (table["runs", "seeds"].nunique() > 1)


def markdown_table(headings: Sequence[object], rows: Iterable[Sequence[object]]) -> str:
    """Formats a Markdown table of long text: cells are not padded, which keeps diffs small, and bars are escaped.

    Args:
        headings: Column headers.
        rows: Cells of every row.
    """
    lines = [headings, ["---"] * len(headings), *rows]
    return "\n".join(f"| {' | '.join(str(cell).replace('|', chr(92) + '|') for cell in line)} |" for line in lines)
