"""Gains as bars: a group per method, a bar per task."""

import math

import pandas as pd
from matplotlib.axes import Axes

from mtl.report.style import COLOURS, QUIET, signed

GROUP = 0.84  # width of a group, where the next one begins at 1


def draw_gains(axes: Axes, mean: pd.DataFrame, std: pd.DataFrame) -> None:
    """Draws the gains M_i with their standard deviation over seeds, and Delta_m under each method's name.

    Args:
        axes: Where to draw.
        mean: Means of the methods, as `over_seeds` makes them.
        std: Their standard deviations.
    """
    tasks = list(mean["gain"].columns)
    width = GROUP / len(tasks)
    for place, task in enumerate(tasks):
        for group, label in enumerate(mean.index):
            x = group - GROUP / 2 + (place + 0.5) * width
            _bar(axes, x, 0.92 * width, mean.loc[label, ("gain", task)], std.loc[label, ("gain", task)], COLOURS[task])
    axes.axhline(0, color=QUIET, linewidth=0.8)
    axes.margins(y=0.1)
    axes.set_xticks(range(len(mean)), [_name(label, mean.loc[label, ("delta_m", "best")]) for label in mean.index])
    axes.tick_params(axis="x", length=0, labelcolor="black")


def _bar(axes: Axes, x: float, width: float, height: float, std: float, colour: str) -> None:
    """A bar with a whisker, and its height in whole percent beyond both; nothing where the height is unknown."""
    if math.isnan(height):
        return
    whisker = 0.0 if math.isnan(std) else std
    axes.bar(x, height, width, color=colour, yerr=whisker or None, error_kw={"ecolor": QUIET, "elinewidth": 1})
    side = math.copysign(1, height)
    axes.annotate(
        signed(height, 0),
        xy=(x, height + side * whisker),
        xytext=(0, side * 2),
        textcoords="offset points",
        ha="center",
        va="bottom" if side > 0 else "top",
        fontsize=8.5,
        color=colour,
        weight="bold",
    )


def _name(label: str, delta: float) -> str:
    return label if math.isnan(delta) else f"{label}\nΔm {signed(delta, 1)} %"
