"""Radars in rows, over one caption; a panel without numbers to draw holds text."""

from collections.abc import Sequence
from typing import NamedTuple

from matplotlib.figure import Figure

from mtl.report.figures.panels import write_caption
from mtl.report.figures.radar import Polygon, draw_radar
from mtl.report.figures.series import listed
from mtl.report.style import SIZE

SIDES = {1: 3.6, 2: 2.8, 3: 1.8}  # of a radar in inches, by the number of columns
TITLE, LEGEND, CAPTION = 1.0, 1.6, 0.35  # room above and below a radar, and at the foot of the figure


class Radar(NamedTuple):
    """A panel: its title, and what it shows or, where that is nothing, says."""

    title: str
    polygons: Sequence[Polygon]
    text: str


def draw_radars(rows: Sequence[Sequence[Radar]], zero: str, caption: str) -> Figure:
    """Draws the radars row by row.

    Args:
        rows: Panels, as many in every row.
        zero: What all gains are over.
        caption: What the figure shows and of what; the seeds are added where there are several.
    """
    columns = len(rows[0])
    side, (width, row_height) = SIDES[columns], (SIZE[0], TITLE + SIDES[columns] + LEGEND)
    height = CAPTION + len(rows) * row_height
    figure = Figure(figsize=(width, height))
    for down, row in enumerate(rows):
        for across, radar in enumerate(row):
            left, top = (across + 0.5) * width / columns - side / 2, height - down * row_height - TITLE
            axes = figure.add_axes(
                (left / width, (top - side) / height, side / width, side / height), projection="polar"
            )
            axes.set_title(radar.title, loc="center", y=1 + 0.42 / side, pad=0, fontsize=10)
            if radar.polygons:
                draw_radar(axes, radar.polygons, zero, below=0.28 / side)
            else:
                axes.set_axis_off()
                axes.text(0.5, 0.5, radar.text, transform=axes.transAxes, ha="center", va="center", fontsize=8.5)
    several = [polygon.deltas for row in rows for radar in row for polygon in radar.polygons if len(polygon.deltas) > 1]
    seeds = sorted({seed for deltas in several for seed in deltas.index.get_level_values("seed")})
    write_caption(figure, f"{caption} ±: standard deviation over {listed('seed', seeds)}." if seeds else caption)
    return figure
