"""Figure 1: what each initialisation is good at, multi-task networks over single-task ones from ImageNet-1K."""

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
    """A radar per dataset, a row for the paper's numbers and a row for ours, where they are.

    Raises:
        MissingRunsError: There are neither.
    """
    rows = []
    for whose, scores in origins(sources):
        found = {dataset: _polygons(scores, dataset) for dataset in datasets}
        if any(found.values()):
            rows.append([Radar(f"{name}, {whose}", own, "no runs") for name, own in found.items()])
    if not rows:
        raise MissingRunsError(datasets[0], [f"{BACKBONE} from each of its initialisations"], "table4")
    caption = f"Gain of each task in percent, and their mean Δm: {BACKBONE} under Uniform over single-task networks."
    return draw_radars(rows, "ImageNet-1K, single-task", caption)


def _polygons(scores: pd.DataFrame, dataset: str) -> list[Polygon]:
    found = [
        polygon(name, scores, Setting(dataset, BACKBONE, "Vanilla", name), "Uniform", look)
        for name, look in zip(NAMES, LOOKS, strict=True)
    ]
    return [own for own in found if own]
