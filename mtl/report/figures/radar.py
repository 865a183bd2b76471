"""Radar plots of task gains: one axis per task, one polygon per network, Delta_m in the legend."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke
from matplotlib.projections.polar import PolarAxes
from matplotlib.ticker import MaxNLocator

from mtl.report.figures.panels import write_caption
from mtl.report.figures.series import listed
from mtl.report.names import SETTING, Setting
from mtl.report.numbers.gains import delta_by_seed
from mtl.report.render.style import COLOURS, QUIET, SIZE, signed, spelled

GRID, ZERO = "#DDDDDD", "#A0A0A0"
SIDES = {1: 3.6, 2: 2.8, 3: 1.8}  # side of a radar in inches, by the number of columns
TITLE, LEGEND, CAPTION = 1.0, 1.6, 0.35  # inches above and below a radar, and at the bottom


class Polygon(NamedTuple):
    """A polygon of a radar.

    Args:
        name: Label in the legend.
        gains: M_i in percent by task, mean over seeds.
        deltas: Delta_m in percent, by seed.
        look: Colour, line style and marker for `Axes.plot`.
    """

    name: str
    gains: pd.Series
    deltas: pd.Series
    look: dict[str, Any]


def polygon(name: str, scores: pd.DataFrame, setting: Setting, method: str, look: dict[str, Any]) -> Polygon | None:
    """The polygon of a method in a setting, over the seeds that have gains of all tasks; None if there are none.

    Args:
        name: Label in the legend.
        scores: Frame of scores, with gains.
        setting: The setting.
        method: Display name; only runs with default hyper-parameters count.
        look: As for `Polygon`.
    """
    tasks = set(scores.loc[scores["dataset"] == setting.dataset, "task"])
    own = scores[(scores[SETTING] == list(setting)).all(axis=1) & (scores["method"] == method)]
    size = own.groupby("source")["task"].transform("nunique")  # fewer tasks: a different network
    own = own[(own["variant"] == "") & (size == size.max())].dropna(subset="gain").drop_duplicates(["seed", "task"])
    own = own[own.groupby("seed")["task"].transform("nunique") == len(tasks)]
    if not len(own):
        return None
    return Polygon(name, own.groupby("task")["gain"].mean(), delta_by_seed(own), look)


class Radar(NamedTuple):
    """A panel: title, polygons, and a text to show if there are no polygons."""

    title: str
    polygons: Sequence[Polygon]
    text: str


def draw_radars(rows: Sequence[Sequence[Radar]], zero: str, caption: str) -> Figure:
    """Draws the radars row by row.

    Args:
        rows: Panels, the same number in every row.
        zero: Name of the baseline of all gains.
        caption: Text below the figure; several seeds are appended.
    """
    columns = len(rows[0])
    side, (width, row_height) = SIDES[columns], (SIZE[0], TITLE + SIDES[columns] + LEGEND)
    height = CAPTION + len(rows) * row_height
    figure = Figure(figsize=(width, height))
    for down, row in enumerate(rows):
        for across, radar in enumerate(row):
            left, top = (across + 0.5) * width / columns - side / 2, height - down * row_height - TITLE
            axes = PolarAxes(figure, (left / width, (top - side) / height, side / width, side / height))
            figure.add_axes(axes)
            axes.set_title(radar.title, loc="center", y=1 + 0.42 / side, pad=0, fontsize=10)
            if radar.polygons:
                _draw_radar(axes, radar.polygons, zero, below=0.28 / side)
            else:
                axes.set_axis_off()
                axes.text(0.5, 0.5, radar.text, transform=axes.transAxes, ha="center", va="center", fontsize=8.5)
    several = [polygon.deltas for row in rows for radar in row for polygon in radar.polygons if len(polygon.deltas) > 1]
    seeds = sorted({seed for deltas in several for seed in deltas.index.get_level_values("seed")})
    write_caption(figure, f"{caption} ±: standard deviation over {listed('seed', seeds)}." if seeds else caption)
    return figure


def _draw_radar(axes: PolarAxes, polygons: Sequence[Polygon], zero: str, below: float) -> None:
    """Draws the polygons, and a legend with Delta_m and its standard deviation over seeds.

    Args:
        axes: Polar axes.
        polygons: Polygons, the first one at the bottom.
        zero: Name of the baseline, drawn at 0.
        below: Distance from axes to legend, as a fraction of the axes' height.
    """
    tasks = [task for task in COLOURS if task in polygons[0].gains.index]
    angles = 2 * np.pi * np.arange(len(tasks) + 1) / len(tasks)  # closed: the first angle repeats
    _draw_grid(axes, angles, np.concatenate([polygon.gains for polygon in polygons]))
    _name_axes(axes, angles, tasks)
    axes.plot(angles, np.zeros(len(angles)), color=ZERO, linewidth=3, label=f"{zero}  0")
    for name, gains, deltas, look in polygons:
        spread = f" ± {deltas.std():.2f}" if len(deltas) > 1 else ""
        label = f"{name}  {signed(deltas.mean(), 2)}{spread}"
        axes.plot(angles, [*gains[tasks], gains[tasks[0]]], label=label, markersize=3.5, linewidth=1.5, **look)
    axes.legend(
        loc="upper center",
        bbox_to_anchor=(0.5, -below),
        ncols=1 + (len(polygons) > 5),
        title="Δm, %",
        title_fontsize=8,
        fontsize=8,
        frameon=False,
        columnspacing=1.2,
        handlelength=2.8,
    )


def _draw_grid(axes: PolarAxes, angles: np.ndarray, gains: np.ndarray) -> None:
    """Draws grid polygons at round gains, labelled on the first axis."""
    low, high = min(*gains, 0), max(*gains, 0)
    span = max(high - low, 1.0)
    low, high = low - 0.15 * span, high + 0.05 * span
    ticks = [tick for tick in MaxNLocator(5, steps=[1, 2, 5, 10]).tick_values(low, high) if low < tick < high]
    digits = 0 if all(float(tick).is_integer() for tick in ticks) else 1
    axes.set_theta_zero_location("N")
    axes.set_theta_direction(-1)
    axes.set_ylim(low, high)
    axes.set_xticks(angles[:-1], [""] * (len(angles) - 1))
    axes.set_yticks([])
    axes.spines["polar"].set_visible(False)
    axes.grid(visible=True, axis="x", color=GRID)
    for tick in ticks:
        axes.plot(angles, np.full(len(angles), tick), color=GRID, linewidth=0.8, zorder=1)
        axes.annotate(
            signed(tick, digits),
            (0, tick),
            xytext=(-2, 1),
            textcoords="offset points",
            ha="right",
            va="bottom",
            fontsize=7,
            color=QUIET,
            path_effects=[withStroke(linewidth=2, foreground="white")],  # readable where lines cross
        )


def _name_axes(axes: PolarAxes, angles: np.ndarray, tasks: Sequence[str]) -> None:
    """Writes the task names just outside the ends of their axes."""
    for angle, task in zip(angles[:-1], tasks, strict=True):
        right, up = np.sin(angle), np.cos(angle)
        axes.annotate(
            spelled(task).replace(" ", "\n"),
            (angle, axes.get_ylim()[1]),
            xytext=(7 * right, 7 * up),
            textcoords="offset points",
            ha="center" if abs(right) < 0.1 else "left" if right > 0 else "right",
            va="center" if abs(up) < 0.5 else "bottom" if up > 0 else "top",
            fontsize=9.5,
        )
