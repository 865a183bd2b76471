"""Figures 10 to 13: how the gradients of every two tasks agree, a panel per method."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, NullLocator

from mtl.report.figures.gradients import METHODS
from mtl.report.figures.panels import Level, Panel, draw_panels
from mtl.report.figures.series import comparable_curves, origin, pair_lines, pairs_of, titled
from mtl.report.figures.sources import Sources

DECADES = 3  # on either side of 0; smaller values are on a linear scale
ZERO = Level("", 0.0)


def draw_cosines(sources: Sources, datasets: Sequence[str]) -> Figure:
    """Cosine of every two tasks' gradients (Figs. 10 and 11)."""
    rows, caption = _panels(sources, datasets[0], "gradient/cosine")
    return draw_panels(rows, ["cosine"] * 2, f"Cosine of every two tasks' gradients. {caption}", level=ZERO)


def draw_dots(sources: Sources, datasets: Sequence[str]) -> Figure:
    """Dot product of every two tasks' gradients (Figs. 12 and 13)."""
    rows, caption = _panels(sources, datasets[0], "gradient/dot")
    title = "Dot product of every two tasks' gradients; logarithmic but around 0."
    return draw_panels(rows, ["dot product"] * 2, f"{title} {caption}", scale=symmetric_log_axis, level=ZERO)


def symmetric_log_axis(axes: Axes) -> None:
    """A height that is logarithmic on either side of 0 and linear around it, for what is drawn already."""
    top = int(np.ceil(np.log10(max(map(abs, axes.get_ylim())))))
    powers = [10.0**power for power in range(top - DECADES, top + 1)]
    low, high = axes.get_ylim()
    axes.set_yscale("symlog", linthresh=powers[0], linscale=0.7)
    axes.set_ylim(low, high)
    axes.yaxis.set_major_locator(FixedLocator([*(-power for power in reversed(powers)), 0, *powers]))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:g}".replace("-", "−"))


def _panels(sources: Sources, dataset: str, key: str) -> tuple[list[list[Panel]], str]:
    """The panels in two rows, and where they come from."""
    curves = comparable_curves(sources.curves, dataset, METHODS, key)
    pairs = pairs_of(curves, key)
    panels = [Panel(titled(curves, method), pair_lines(curves, method, key, pairs)) for method in METHODS]
    return [panels[:2], panels[2:]], origin(curves)
