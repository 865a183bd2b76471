"""Learning curves: validation scores during training, a panel per task and a line per method."""

import io
from itertools import cycle

import pandas as pd

from mtl.report.figures.panels import Line, Panel, draw_panels
from mtl.report.figures.series import line, listed, titled
from mtl.report.names import heading
from mtl.report.render.style import SERIES, styled

COLUMNS = 2


def learning_figure(curves: pd.DataFrame, place: str) -> bytes:
    """Draws the curves as PNG.

    Args:
        curves: Result of `learning_curves`, not empty. Colours repeat after seven methods.
        place: Dataset and backbone, for the caption.
    """
    colours = dict(zip(curves["method"].unique(), cycle(reversed(SERIES)), strict=False))
    panels = []
    for task in curves["task"].unique():
        own = curves[curves["task"] == task].rename(columns={"task": "key"})
        title = heading(task, own["metric"].iloc[0], own["higher_is_better"].iloc[0])
        lines = [Line(titled(curves, method), line(own, method, task), colour) for method, colour in colours.items()]
        panels.append(Panel(title, lines))
    rows = [panels[first : first + COLUMNS] for first in range(0, len(panels), COLUMNS)]
    seeds = sorted(curves["seed"].unique())
    caption = f"{place}, validation images; {listed('seed', seeds)}{': mean and range' if len(seeds) > 1 else ''}"
    with styled():
        png = io.BytesIO()
        draw_panels(rows, [""] * len(rows), caption, share=False).savefig(png, format="png")
    return png.getvalue()
