"""Table layout for the page: two-line headers, and rows with their runs and footnotes."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import pandas as pd
from markupsafe import Markup

from mtl.report.names import BLOCK, Row
from mtl.report.numbers.grouped import grouped
from mtl.report.render.text import Columns, Metrics, columns
from mtl.report.web.origins import Origin

OURS, PAPER, DIFFERENCE = "ours", "paper", "diff."
FIRST = "Δm"  # first column, visible next to the methods on a narrow screen


class Group(NamedTuple):
    """Adjacent columns under one header.

    Args:
        title: The header.
        members: Headers of its columns.
    """

    title: str
    members: list[str]


class Line(NamedTuple):
    """A row.

    Args:
        label: Its name.
        mark: Number of its footnote; 0: none.
        origin: Its runs; None if no run is known.
        cells: HTML content and header of every cell.
    """

    label: str
    mark: int
    origin: Origin | None
    cells: list[tuple[Markup, str]]

    @property
    def is_run(self) -> bool:
        """Whether it has any of our results."""
        return self.origin is not None or any(cell for cell, kind in self.cells if kind == OURS)


class Grid(NamedTuple):
    """A table: columns and rows."""

    groups: list[Group]
    lines: list[Line]

    @property
    def is_grouped(self) -> bool:
        """Whether a header spans several columns."""
        return any(len(group.members) > 1 for group in self.groups)

    @property
    def width(self) -> int:
        """Number of columns, including the methods."""
        return 1 + sum(len(group.members) for group in self.groups)


def grids(
    table: pd.DataFrame, metrics: Metrics, origins: Mapping[Row, Origin], marks: Mapping[Row, int]
) -> dict[str, list[Grid]]:
    """Heading of each block -> its tables: best metrics, last metrics, and ranks, weights and costs.

    Args:
        table: Result of `numbers.table.table_of`.
        metrics: Primary metric of each task.
        origins: Row -> its runs.
        marks: Row -> number of its footnote.
    """
    rows = {", ".join(key): list(block.index) for key, block in grouped(table, BLOCK)}
    found = {}
    for heading, (labels, parts) in columns(table, metrics, "html").items():
        known = [(label, marks.get(row, 0), origins.get(row)) for label, row in zip(labels, rows[heading], strict=True)]
        found[heading] = [_grid(known, part) for part in map(_delta_first, parts) if part]
    return found


def _delta_first(part: Columns) -> Columns:
    start = next((place for place, (title, _) in enumerate(part) if title.startswith(FIRST)), 0)
    return part[start:] + part[:start]


def _grid(known: Sequence[tuple[str, int, Origin | None]], part: Columns) -> Grid:
    groups, kinds = [], []
    for title, _ in part:
        follows = title in (PAPER, DIFFERENCE) and groups
        kinds.append(title if follows else OURS)
        if follows:
            groups[-1].members.append(title)
        else:
            groups.append(Group(title, [OURS]))
    # Cells are only numbers and tags (see `columns`), so they are safe as markup.
    cells = zip(*(column for _, column in part), strict=True)
    return Grid(
        groups,
        [
            Line(*own, [(Markup(cell), kind) for cell, kind in zip(line, kinds, strict=True)])
            for own, line in zip(known, cells, strict=True)
        ],
    )
