"""Panels of curves over training steps, with a shared legend and caption."""

import textwrap
from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.lines import Line2D

from mtl.report.render.style import QUIET, SIZE

HEIGHTS = {1: 4.6, 2: 3.1}  # row height in inches, by the number of columns
NARROW = 2.5  # row height with more columns
MARGIN = 1.1  # inches for legend and caption
CAPTION = 132  # characters per line
CROWD = 6  # from this many lines on, bands are fainter
NULL = (0, (1, 2))  # dotted


class Line(NamedTuple):
    """A line of a panel.

    Args:
        name: Label in the legend.
        values: Result of `series.line`.
        colour: Its colour.
    """

    name: str
    values: pd.DataFrame
    colour: str


class Panel(NamedTuple):
    """A panel: its title and its lines."""

    title: str
    lines: Sequence[Line]


class Level(NamedTuple):
    """A horizontal reference line in every panel; it is in the legend if it has a name."""

    name: str
    height: float


def draw_panels(
    rows: Sequence[Sequence[Panel]],
    labels: Sequence[str],
    caption: str,
    *,
    scale: Callable[[Axes], None] | None = None,
    share: Literal["all", "row", False] = "all",
    level: Level | None = None,
) -> Figure:
    """Draws the panels row by row.

    Args:
        rows: Panels; rows may differ in length.
        labels: y-axis label of each row.
        caption: Text below the figure.
        scale: Sets the y-scale, after everything is drawn.
        share: `sharey` of `Figure.subplots`.
        level: Reference line.
    """
    columns = max(map(len, rows))
    height = MARGIN + len(rows) * HEIGHTS.get(columns, NARROW)
    figure = Figure(figsize=(SIZE[0], height), layout=ConstrainedLayoutEngine(w_pad=0.06, h_pad=0.06))
    for axes_row, panels, label in zip(
        figure.subplots(len(rows), columns, sharey=share, squeeze=False), rows, labels, strict=True
    ):
        axes_row[0].set_ylabel(label)
        for axes in axes_row[len(panels) :]:
            axes.set_visible(False)
        for axes, panel in zip(axes_row, panels, strict=False):
            _draw(axes, panel, level)
            axes.tick_params(labelleft=share is False or axes is axes_row[0])
    if scale:
        for axes in figure.axes:
            scale(axes)
    _legend(figure, [line for row in rows for panel in row for line in panel.lines], level)
    write_caption(figure, caption)
    return figure


def write_caption(figure: Figure, caption: str) -> None:
    """Writes the caption at the bottom of a figure."""
    figure.supxlabel(textwrap.fill(caption, CAPTION, break_on_hyphens=False), fontsize=8.5, color=QUIET)


def _draw(axes: Axes, panel: Panel, level: Level | None) -> None:
    alpha = 0.16 if len(panel.lines) < CROWD else 0.07
    for line in panel.lines:
        values, colour = line.values, line.colour
        axes.fill_between(values.index, values["low"], values["high"], color=colour, alpha=alpha, linewidth=0)
        axes.plot(values.index, values["mean"], color=colour, label=line.name, marker="o", markersize=3)
    if level:
        axes.axhline(level.height, color="black", linewidth=0.9, linestyle=NULL, label="_")
    axes.set_title(panel.title, loc="left")
    axes.set_xlim(left=0)
    axes.xaxis.set_major_formatter(lambda step, _: f"{step / 1000:g}k" if step >= 1000 else f"{step:g}")
    axes.set_xlabel("step")


def _legend(figure: Figure, lines: Sequence[Line], level: Level | None) -> None:
    """Draws one legend for all panels."""
    names = {line.name: line.colour for line in lines}
    handles = [Line2D([], [], color=colour, linewidth=2.4) for colour in names.values()]
    texts = [*names]
    if level and level.name:
        handles.append(Line2D([], [], color="black", linewidth=0.9, linestyle=NULL))
        texts.append(level.name)
    figure.legend(
        handles,
        texts,
        loc="outside upper left",
        ncols=6 if len(texts) <= 6 else 5,
        frameon=False,
        fontsize=8.5,
        columnspacing=1.2,
        handlelength=2.4,
    )
