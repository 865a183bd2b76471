"""Figures 7 to 16: gradients of tasks and of pairs of tasks at the last shared layer, one panel per method or pair."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, NullLocator

from mtl.report.figures.panels import Level, Panel, draw_panels
from mtl.report.figures.series import comparable_curves, method_lines, origin, pairs_of, task_lines, tasks_of, titled
from mtl.report.figures.sources import Sources
from mtl.report.names import SINGLE_TASK
from mtl.report.render.style import log_axis, spelled

METHODS = ("Uniform", "Grid Search", "CAGrad", "NashMTL")  # compared in the paper's curves
NORMS = {"gradient/norm": "gradient norm", "gradient/weighted_norm": "weighted gradient norm"}
DECADES = 3  # on each side of 0; smaller values are on a linear scale
ZERO = Level("", 0.0)


def draw_alignments(sources: Sources, datasets: Sequence[str], methods: Sequence[str] = METHODS) -> Figure:
    """Draws the cosine between each task's gradient and the aggregated gradient (Figs. 7 and 14)."""
    key = "gradient/alignment"
    curves = comparable_curves(sources.curves, datasets[0], methods, key)
    tasks = tasks_of(curves, key)
    panels = [Panel(titled(curves, method), task_lines(curves, method, key, tasks)) for method in methods]
    rows = [panels[start : start + 2] for start in range(0, len(panels), 2)]
    height = 1 / np.sqrt(len(tasks))
    level = Level(f"1/√{len(tasks)}: orthogonal gradients of equal norm", height)
    caption = f"Cosine between each task's gradient and the aggregated gradient. {origin(curves)}"
    return draw_panels(rows, ["cosine with the aggregate"] * len(rows), caption, scale=_whole, level=level)


def draw_avgnorm_alignments(sources: Sources, datasets: Sequence[str]) -> Figure:
    """Draws the same for AvgNorm (Fig. 9)."""
    return draw_alignments(sources, datasets, ["AvgNorm"])


def draw_norms(sources: Sources, datasets: Sequence[str]) -> Figure:
    """Draws the norms of the task gradients, unweighted above and weighted below (Figs. 8 and 15)."""
    curves = comparable_curves(sources.curves, datasets[0], METHODS, "gradient")
    tasks = tasks_of(curves, "gradient/norm")
    rows = [
        [Panel(titled(curves, method), task_lines(curves, method, key, tasks)) for method in METHODS] for key in NORMS
    ]
    caption = f"Norms of the task gradients, before and after weighting. {origin(curves)}"
    return draw_panels(rows, list(NORMS.values()), caption, scale=log_axis, share="row")


def draw_single_task_norms(sources: Sources, datasets: Sequence[str]) -> Figure:
    """Draws the gradient norms of single-task networks and of the tasks under Uniform (Fig. 16)."""
    key, methods = "gradient/norm", (SINGLE_TASK, "Uniform")
    curves = comparable_curves(sources.curves, datasets[0], methods, key)
    tasks = tasks_of(curves, key)
    row = [Panel(titled(curves, method), task_lines(curves, method, key, tasks)) for method in methods]
    caption = f"Gradient norms of single-task networks and of the tasks under Uniform. {origin(curves)}"
    return draw_panels([row], [NORMS[key]], caption, scale=log_axis)


def draw_cosines(sources: Sources, datasets: Sequence[str]) -> Figure:
    """Draws the cosine between each pair of task gradients (Figs. 10 and 11)."""
    rows, caption = _panels(sources, datasets[0], "gradient/cosine")
    return draw_panels(
        rows, ["cosine"] * len(rows), f"Cosine between each pair of task gradients. {caption}", level=ZERO
    )


def draw_dots(sources: Sources, datasets: Sequence[str]) -> Figure:
    """Draws the dot product of each pair of task gradients (Figs. 12 and 13)."""
    rows, caption = _panels(sources, datasets[0], "gradient/dot")
    title = "Dot product of each pair of task gradients; logarithmic scale, linear around 0."
    return draw_panels(rows, ["dot product"] * len(rows), f"{title} {caption}", scale=symmetric_log_axis, level=ZERO)


def symmetric_log_axis(axes: Axes) -> None:
    """Makes the y-axis logarithmic on each side of 0 and linear around it; call it after drawing."""
    top = int(np.ceil(np.log10(max(map(abs, axes.get_ylim())))))
    powers = [10.0**power for power in range(top - DECADES, top + 1)]
    low, high = axes.get_ylim()
    axes.set_yscale("symlog", linthresh=powers[0], linscale=0.7)
    axes.set_ylim(low, high)
    axes.yaxis.set_major_locator(FixedLocator([*(-power for power in reversed(powers)), 0, *powers]))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:g}".replace("-", "−"))


def _whole(axes: Axes) -> None:
    """Sets the y-axis to end at 1 and start at 0 or the lowest cosine, so that figures are comparable."""
    axes.set_ylim(min(0, axes.get_ylim()[0]), 1)


def _panels(sources: Sources, dataset: str, key: str) -> tuple[list[list[Panel]], str]:
    """A panel per pair, in rows of three or five, and the setting for the caption."""
    curves = comparable_curves(sources.curves, dataset, METHODS, key)
    panels = [
        Panel(" –\n".join(map(spelled, pair)), method_lines(curves, METHODS, f"{key}/{'-'.join(pair)}"))
        for pair in pairs_of(curves, key)
    ]
    columns = 3 if len(panels) <= 6 else 5
    return [panels[start : start + columns] for start in range(0, len(panels), columns)], origin(curves)
