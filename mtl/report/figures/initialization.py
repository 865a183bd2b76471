"""Figure 1: gains of each initialisation under Uniform over single-task networks from ImageNet-1K."""

from collections.abc import Sequence

import pandas as pd
from matplotlib.figure import Figure

from mtl.report.figures.radar import Polygon, Radar, draw_radars, polygon
from mtl.report.figures.sources import MissingRunsError, Sources, origins
from mtl.report.names import BACKBONES, Setting
from mtl.report.render.style import SERIES

BACKBONE = "ViT-B"
NAMES = [name for _, name in BACKBONES.values() if name]
LOOKS = [
    {"color": colour, "linestyle": dashes, "marker": marker}
    for colour, dashes, marker in zip(SERIES, ("-", "--", "-.", "-", "--", "-.", "-"), "osD^vPX", strict=True)
]


def draw_initializations(sources: Sources, datasets: Sequence[str]) -> Figure:
    """Draws a radar per dataset, with a row for the paper's numbers and a row for ours.

    Raises:
        MissingRunsError: There are no numbers from either source.
    """
    rows = []
    for whose, scores in origins(sources):
        found = {dataset: _polygons(scores, dataset) for dataset in datasets}
        if any(found.values()):
            rows.append([Radar(f"{name}, {whose}", own, "no runs") for name, own in found.items()])
    if not rows:
        raise MissingRunsError(datasets[0], [f"{BACKBONE} with each initialisation"], "table4")
    caption = f"Gain of each task in percent and mean gain Δm: {BACKBONE} under Uniform over single-task networks."
    return draw_radars(rows, "ImageNet-1K, single-task", caption)


def _polygons(scores: pd.DataFrame, dataset: str) -> list[Polygon]:
    found = [
        polygon(name, scores, Setting(dataset, BACKBONE, "Vanilla", name), "Uniform", look)
        for name, look in zip(NAMES, LOOKS, strict=True)
    ]
    return [own for own in found if own]
