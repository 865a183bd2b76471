"""Critical-difference diagram: methods on an axis of mean ranks; a bar joins those that may differ by chance.

Demsar, Statistical Comparisons of Classifiers over Multiple Data Sets, JMLR 2006, Fig. 1.
"""

import io
import textwrap
from collections.abc import Sequence
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mtl.report.figures.panels import write_caption
from mtl.report.render.style import QUIET, SERIES, SIZE, styled

# Inches
TOP, CAPTION = 0.75, 0.75  # above the axis, and at the bottom
ROW, BAR = 0.25, 0.13  # between labels, and between bars
LETTER, GAP = 0.08, 0.08  # width of a letter, and distance of a label from its line
RANK = 0.4  # width of a rank and the gap to the name
EDGE = 0.15  # at both sides of the figure

LONGEST = 32  # letters of a line of a label
LARGE, SMALL = 9.5, 7  # points
NUMBERS = 12  # most methods whose ranks are all written on the axis

Group = tuple[int, int]


def ranks_figure(mean: pd.Series, critical: float, groups: Sequence[Group], caption: str) -> bytes:
    """Draws the diagram as PNG.

    Args:
        mean: Mean rank by name, ascending.
        critical: Critical difference.
        groups: First and last place of the methods that a bar joins.
        caption: Text below the figure.
    """
    count, levels = len(mean), stacked(groups)
    rows = (count + 1) // 2
    bars = BAR * (max(levels, default=-1) + 1)
    below = 0.15 + bars + 0.1 + ROW * rows
    height = TOP + below + CAPTION
    side = EDGE + max(map(_width, mean.index)) + RANK + GAP
    with styled():
        figure = Figure(figsize=(SIZE[0], height))
        axes = figure.add_axes((side / SIZE[0], CAPTION / height, 1 - 2 * side / SIZE[0], below / height))
        axes.set_axis_off()
        axes.set_xlim(1, count)
        axes.set_ylim(below, 0)  # inches below the axis
        _draw_axis(axes, count, critical)
        for (first, last), level in zip(groups, levels, strict=True):
            ends = [mean.iloc[first] - 0.004 * count, mean.iloc[last] + 0.004 * count]
            depth = 0.15 + BAR * level
            axes.plot(ends, [depth, depth], color=SERIES[0], linewidth=4, solid_capstyle="butt", clip_on=False)
        for place, (name, rank) in enumerate(zip(mean.index, mean, strict=True)):
            left = place < rows
            depth = 0.15 + bars + 0.1 + ROW * (place if left else count - 1 - place)
            _draw_method(axes, name, rank, depth, left)
        write_caption(figure, caption)
        png = io.BytesIO()
        figure.savefig(png, format="png")
    return png.getvalue()


def _width(name: str) -> float:
    """Width of the label of a method; one that takes several lines has small letters."""
    return LETTER * len(name) if len(name) <= LONGEST else LETTER * LONGEST * SMALL / LARGE


def stacked(groups: Sequence[Group]) -> list[int]:
    """The level of each bar, from 0: the lowest number on which it touches no earlier bar."""
    ends: list[int] = []
    levels = []
    for first, last in groups:
        level = next((level for level, end in enumerate(ends) if end < first), len(ends))
        ends[level : level + 1] = [last]
        levels.append(level)
    return levels


def _draw_axis(axes: Axes, count: int, critical: float) -> None:
    """Draws the axis of ranks, and above it the critical difference as a bar, if it is shorter."""
    axes.plot([1, count], [0, 0], color=QUIET, linewidth=1.2, clip_on=False)
    for rank in range(1, count + 1):
        axes.plot([rank, rank], [0, -0.07], color=QUIET, linewidth=1, clip_on=False)
        if count <= NUMBERS or rank % 2:
            axes.text(rank, -0.1, str(rank), ha="center", va="bottom", fontsize=9, color=QUIET)
    if critical < count - 1:
        axes.plot([1, 1 + critical], [-0.4, -0.4], color=SERIES[0], linewidth=4, solid_capstyle="butt", clip_on=False)
    text = f"critical difference {critical:.2f}" + ", longer than the axis" * (critical >= count - 1)
    axes.text(1, -0.46, text, ha="left", va="bottom", fontsize=9, color=SERIES[0], weight="bold")


def _draw_method(axes: Axes, name: str, rank: float, depth: float, left: bool) -> None:
    """Draws a line from the rank on the axis down and out to the side, where name and rank are written."""
    end = axes.get_xlim()[0 if left else 1]
    axes.plot([rank, rank, end], [0, depth, depth], color=QUIET, linewidth=0.8, clip_on=False)
    axes.plot([rank], [0], marker="o", markersize=4, color="black", clip_on=False)
    lines = textwrap.wrap(name, LONGEST)
    side, sign = ("right", -1) if left else ("left", 1)
    about: dict[str, Any] = {"textcoords": "offset points", "ha": side, "va": "center"}
    axes.annotate(f"{rank:.1f}", (end, depth), xytext=(sign * 72 * GAP, 0), fontsize=LARGE, **about)
    place, size = (sign * 72 * (GAP + RANK), 0), LARGE if len(lines) == 1 else SMALL
    axes.annotate("\n".join(lines), (end, depth), xytext=place, fontsize=size, multialignment=side, **about)
