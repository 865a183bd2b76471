"""One look for every figure: colours, type and direct labels."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.ticker import LogLocator, NullLocator

from mtl.tasks import known

COLOURS = {task.name: task.colour for task in known()}  # one colour a task in all figures, in their order
# For what is not a task: Paul Tol's bright palette, which colour-blind readers tell apart, with black for its grey.
SERIES = ("#4477AA", "#228833", "#CCBB44", "#AA3377", "#EE6677", "#66CCEE", "#222222")
SIZE = (9.0, 6.9)  # inches
DPI = 200  # a README shows the 1800 pixels on 900
QUIET = "#595959"

STYLE = {
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


def styled() -> AbstractContextManager[None]:
    """Context in which figures have this look."""
    return rc_context(STYLE)


def log_axis(axes: Axes) -> None:
    """A logarithmic height with plain numbers, 0.1, 0.2, 0.5, 1, for what is drawn already."""
    axes.set_yscale("log", nonpositive="mask")
    low, high = axes.get_ylim()
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5) if high < 1000 * low else (1,)))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:g}")


def label_ends(axes: Axes, ends: Mapping[str, float], gap: float = 0.075) -> None:
    """Writes each task's name in its colour beside the right end of its line; names that would overlap are spread.

    Args:
        axes: Axes with their final limits.
        ends: Task -> height of the line's end, in data units.
        gap: Least distance of two names, as a fraction of the axes' height.
    """
    to_axes = axes.transData + axes.transAxes.inverted()
    heights = {task: to_axes.transform((axes.get_xlim()[1], end))[1] for task, end in ends.items()}
    downwards = [*heights][::-1]  # so that the first task stands on top where ends are equal
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
    """The heights moved apart to a least gap, as little as possible, and into [0, 1].

    Args:
        heights: Wanted heights, ascending.
        gap: Least distance of neighbours.
    """
    blocks: list[list[float]] = []  # heights of names that touch, each less its place times the gap
    for place, height in enumerate(heights):
        blocks.append([height - place * gap])
        while len(blocks) > 1 and np.mean(blocks[-2]) > np.mean(blocks[-1]):
            blocks[-2:] = [blocks[-2] + blocks[-1]]
    bases = np.clip([np.mean(block) for block in blocks for _ in block], 0, 1 - (len(heights) - 1) * gap)
    return [float(base + place * gap) for place, base in enumerate(bases)]


def spelled(task: str) -> str:
    """A task's name in print."""
    return task.replace("_", " ")


def signed(value: float, digits: int) -> str:
    """A number with its sign, in print: a minus and not a hyphen, and none before a zero."""
    text = f"{value:+z.{digits}f}"
    return text.replace("-", "−") if float(text) else text.removeprefix("+")
