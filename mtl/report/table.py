"""From numbers to a table that people read, on the console or as Markdown."""

from collections.abc import Mapping, Sequence

import pandas as pd
from tabulate import tabulate

from mtl.report.comparison import Comparison
from mtl.report.names import notation
from mtl.report.scores import over_seeds

Column = tuple[str, str]


def table(comparison: Comparison) -> pd.DataFrame:
    """The cells as text, mean and sample standard deviation over seeds; columns in groups as in `by_seed`."""
    mean, std = over_seeds(comparison)
    formats = {column: _format(column, comparison) for column in mean.columns}
    cells = {
        column: [_cell(*pair, formats[column]) for pair in zip(mean[column], std[column], strict=True)]
        for column in mean.columns
    }
    return pd.DataFrame(cells, mean.index)


def headings(comparison: Comparison, columns: Sequence[Column]) -> dict[Column, tuple[str, ...]]:
    """What stands above each column, line by line; an arrow points to where better is."""
    titles: dict[Column, tuple[str, ...]] = {
        ("delta_m", "best"): ("Δm", "% ↑"),
        ("delta_m", "last"): ("last", "Δm", "% ↑"),
        ("delta_m", "rank"): ("mean", "rank", "↓"),
        ("cost", "time"): ("step", "time", "↓"),
        ("cost", "memory"): ("memory", "MiB", "↓"),
    }
    for task in comparison.tasks:
        metric = notation(task, comparison.metric(task))
        arrow = "↑" if comparison.higher_is_better(task) else "↓"
        titles["metric", task] = (task, metric.name, f"{metric.unit} {arrow}".lstrip())
        titles["last", task] = (f"last {task}", metric.name, f"{metric.unit} {arrow}".lstrip())
        titles["gain", task] = (task, "M", "% ↑")
        titles["weight", task] = (task, "weight")
    return {column: titles[column] for column in columns}


def stacked(cells: pd.DataFrame, headings: Mapping[Column, Sequence[str]], width: int = 120) -> list[pd.DataFrame]:
    """The table cut between groups of columns so that no part is wider than the console.

    Args:
        cells: Result of `table`.
        headings: Result of `headings`.
        width: Characters in a line.
    """
    parts: list[list[Column]] = []
    for group in dict.fromkeys(group for group, _ in cells.columns):
        columns = [column for column in cells.columns if column[0] == group]
        if parts and max(map(len, console(cells[parts[-1] + columns], headings).splitlines())) <= width:
            parts[-1] = parts[-1] + columns
        else:
            parts.append(columns)
    return [cells[columns] for columns in parts]


def console(cells: pd.DataFrame, headings: Mapping[Column, Sequence[str]]) -> str:
    """Aligned text."""
    return _tabulate(cells, ["\n".join(headings[column]) for column in cells.columns], "simple")


def markdown(cells: pd.DataFrame, headings: Mapping[Column, Sequence[str]]) -> str:
    """A table of GitHub's Markdown."""
    return _tabulate(cells, [" ".join(headings[column]) for column in cells.columns], "pipe")


def _format(column: Column, comparison: Comparison) -> str:
    group, name = column
    if group in ("metric", "last"):
        return f".{notation(name, comparison.metric(name)).digits}f"
    if column == ("cost", "memory"):
        return ".0f"
    return "+z.2f" if group == "gain" or name in ("best", "last") else ".2f"


def _cell(mean: float, std: float, form: str) -> str:
    if pd.isna(mean):
        return ""
    return f"{mean:{form}} ± {std:{form.removeprefix('+')}}" if std > 0 else f"{mean:{form}}"


def _tabulate(cells: pd.DataFrame, titles: Sequence[str], form: str) -> str:
    rows = [[label, *row] for label, *row in cells.itertuples()]
    aligned = ["left", *["right"] * len(titles)]
    return tabulate(rows, ["method", *titles], tablefmt=form, disable_numparse=True, colalign=aligned)
