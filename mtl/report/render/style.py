"""Shared style of all figures: colours, fonts, log axes and direct labels."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.ticker import LogLocator, NullLocator

from mtl.tasks import known

COLOURS = {task.name: task.colour for task in known()}  # one per task in all figures, in task order
# For series other than tasks: Paul Tol's colour-blind safe bright palette, with black instead of grey.
SERIES = ("#4477AA", "#228833", "#CCBB44", "#AA3377", "#EE6677", "#66CCEE", "#222222")
SIZE = (9.0, 6.9)  # inches
DPI = 200  # 1800 pixels wide, twice the 900 of a README
QUIET = "#595959"


def styled() -> AbstractContextManager[None]:
    """Context in which figures have this style."""
    return rc_context(
        {
            "font.size": 10,
            "font.family": "DejaVu Sans",
            "axes.titlesize": 11,
            "axes.titleweight": "bold",
            "axes.titlelocation": "left",
            "axes.titlepad": 9,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.edgecolor": QUIET,
            "axes.labelcolor": QUIET,
            "axes.labelsize": 9.5,
            "xtick.color": QUIET,
            "ytick.color": QUIET,
            "xtick.labelsize": 9,
            "ytick.labelsize": 9,
            "axes.grid": True,
            "axes.grid.axis": "y",
            "axes.axisbelow": True,
            "grid.color": "#E6E6E6",
            "lines.linewidth": 1.8,
            "savefig.dpi": DPI,
        }
    )


def log_axis(axes: Axes) -> None:
    """Makes the y-axis logarithmic with plain labels (0.1, 0.2, 0.5, 1); call it after drawing."""
    axes.set_yscale("log", nonpositive="mask")
    low, high = axes.get_ylim()
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5) if high < 1000 * low else (1,)))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:g}")


def label_ends(axes: Axes, ends: Mapping[str, float], gap: float = 0.075) -> None:
    """Writes each task's name at the right end of its line, in its colour, without overlaps.

    Args:
        axes: Axes with final limits.
        ends: Task -> y-value at the end of its line, in data units.
        gap: Minimum distance of two names, as a fraction of the axes' height.
    """
    to_axes = axes.transData + axes.transAxes.inverted()
    heights = {task: to_axes.transform((axes.get_xlim()[1], end))[1] for task, end in ends.items()}
    downwards = [*heights][::-1]  # so that the first task is on top if ends are equal
    ordered = sorted(downwards, key=lambda task: round(heights[task], 3))
    for task, height in zip(ordered, spread([heights[task] for task in ordered], gap), strict=True):
        axes.annotate(
            spelled(task),
            xy=(1.0, heights[task]),
            xytext=(1.07, height),
            xycoords="axes fraction",
            va="center",
            color=COLOURS[task],
            weight="bold",
            arrowprops={
                "arrowstyle": "-",
                "color": COLOURS[task],
                "lw": 0.8,
                "relpos": (0, 0.5),
                "shrinkA": 0,
                "shrinkB": 0,
            },
        )


def spread(heights: Sequence[float], gap: float) -> list[float]:
    """Moves heights apart to a minimum gap, as little as possible, within [0, 1].

    Args:
        heights: Desired heights, ascending.
        gap: Minimum distance of neighbours.
    """
    blocks: list[list[float]] = []  # names that touch: each height minus its index times the gap
    for place, height in enumerate(heights):
        blocks.append([height - place * gap])
        while len(blocks) > 1 and np.mean(blocks[-2]) > np.mean(blocks[-1]):
            blocks[-2:] = [blocks[-2] + blocks[-1]]
    bases = np.clip([np.mean(block) for block in blocks for _ in block], 0, 1 - (len(heights) - 1) * gap)
    return [float(base + place * gap) for place, base in enumerate(bases)]


def spelled(task: str) -> str:
    """Display name of a task."""
    return task.replace("_", " ")


def signed(value: float, digits: int) -> str:
    """Formats a number with its sign, using the minus character instead of a hyphen; zero has no sign."""
    text = f"{value:+z.{digits}f}"
    return text.replace("-", "−") if float(text) else text.removeprefix("+")
