"""Figures 7, 8, 9, 14, 15 and 16: each task's gradient at the last shared layer, a panel per method."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mtl.report.figures.panels import Level, Panel, draw_panels
from mtl.report.figures.series import comparable_curves, origin, task_lines, tasks_of, titled
from mtl.report.figures.sources import Sources
from mtl.report.names import SINGLE_TASK
from mtl.report.render.style import log_axis

METHODS = ("Uniform", "Grid Search", "CAGrad", "NashMTL")  # that the paper's curves compare
NORMS = {"gradient/norm": "gradient norm", "gradient/weighted_norm": "weighted gradient norm"}


def draw_alignments(sources: Sources, datasets: Sequence[str], methods: Sequence[str] = METHODS) -> Figure:
    """Cosine of each task's gradient and the aggregate (Figs. 7 and 14)."""
    key = "gradient/alignment"
    curves = comparable_curves(sources.curves, datasets[0], methods, key)
    tasks = tasks_of(curves, key)
    panels = [Panel(titled(curves, method), task_lines(curves, method, key, tasks)) for method in methods]
    rows = [panels[start : start + 2] for start in range(0, len(panels), 2)]
    height = 1 / np.sqrt(len(tasks))
    level = Level(f"1/√{len(tasks)}: orthogonal, of equal norm", height)
    caption = f"Cosine of each task's gradient and the aggregate. {origin(curves)}"
    return draw_panels(rows, ["cosine to the aggregate"] * len(rows), caption, scale=_whole, level=level)


def draw_avgnorm_alignments(sources: Sources, datasets: Sequence[str]) -> Figure:
    """The same under AvgNorm (Fig. 9)."""
    return draw_alignments(sources, datasets, ["AvgNorm"])


def draw_norms(sources: Sources, datasets: Sequence[str]) -> Figure:
    """Norms of the tasks' gradients, above as they are and below times the weight of the task (Figs. 8 and 15)."""
    curves = comparable_curves(sources.curves, datasets[0], METHODS, "gradient")
    tasks = tasks_of(curves, "gradient/norm")
    rows = [
        [Panel(titled(curves, method), task_lines(curves, method, key, tasks)) for method in METHODS] for key in NORMS
    ]
    caption = f"Norms of the tasks' gradients, before and after weighting. {origin(curves)}"
    return draw_panels(rows, list(NORMS.values()), caption, scale=log_axis, share="row")


def draw_single_task_norms(sources: Sources, datasets: Sequence[str]) -> Figure:
    """Norms of the gradients of single-task networks, next to those of the tasks under Uniform (Fig. 16)."""
    key, methods = "gradient/norm", (SINGLE_TASK, "Uniform")
    curves = comparable_curves(sources.curves, datasets[0], methods, key)
    tasks = tasks_of(curves, key)
    row = [Panel(titled(curves, method), task_lines(curves, method, key, tasks)) for method in methods]
    caption = f"Norms of the gradients of single-task networks and of the tasks under Uniform. {origin(curves)}"
    return draw_panels([row], [NORMS[key]], caption, scale=log_axis)


def _whole(axes: Axes) -> None:
    """From 0, or from the lowest cosine, to 1, so that figures can be compared."""
    axes.set_ylim(min(0, axes.get_ylim()[0]), 1)
