"""The paper's figures that show numbers, by figure number."""

import io
from collections.abc import Callable, Sequence
from typing import NamedTuple

from matplotlib.figure import Figure

from mtl.report.figures.architectures import draw_architectures
from mtl.report.figures.distances import draw_distances
from mtl.report.figures.gradients import (
    draw_alignments,
    draw_avgnorm_alignments,
    draw_cosines,
    draw_dots,
    draw_norms,
    draw_single_task_norms,
)
from mtl.report.figures.initialization import draw_initializations
from mtl.report.figures.sources import STUDIES, Sources
from mtl.report.names import DATASETS
from mtl.report.render.style import styled

NYUD, PASCAL = ("nyud",), ("pascal_context",)
DATASETS_DRAWN = ("nyud", "pascal_context", "rooms", *STUDIES)


class Entry(NamedTuple):
    """A figure of the paper.

    Args:
        draw: Draws it for datasets given by display name.
        datasets: Config names of the datasets in the paper's figure.
    """

    draw: Callable[[Sources, Sequence[str]], Figure]
    datasets: tuple[str, ...]


FIGURES = {
    1: Entry(draw_initializations, NYUD + PASCAL),
    4: Entry(draw_architectures, NYUD + PASCAL),
    6: Entry(draw_distances, NYUD + PASCAL),
    7: Entry(draw_alignments, NYUD),
    8: Entry(draw_norms, NYUD),
    9: Entry(draw_avgnorm_alignments, NYUD),
    10: Entry(draw_cosines, NYUD),
    11: Entry(draw_cosines, PASCAL),
    12: Entry(draw_dots, NYUD),
    13: Entry(draw_dots, PASCAL),
    14: Entry(draw_alignments, PASCAL),
    15: Entry(draw_norms, PASCAL),
    16: Entry(draw_single_task_norms, PASCAL),
}


def figures_of(dataset: str) -> list[int]:
    """The figures to draw for a dataset; of figures that differ only in dataset, the paper's own or the first.

    Studies have no runs for Figs. 1 and 4.

    Args:
        dataset: Config name, or empty for all figures with the paper's datasets.
    """
    if not dataset:
        return [*FIGURES]
    chosen, like = {}, "pascal_context" if dataset == "rooms_pascal" else dataset
    for number, entry in FIGURES.items():
        if entry.draw not in chosen or like in entry.datasets:
            chosen[entry.draw] = number
    return sorted(number for number in chosen.values() if dataset not in STUDIES or number not in (1, 4))


def figure_png(number: int, sources: Sources, dataset: str = "") -> bytes:
    """Draws a figure as PNG.

    Args:
        number: Its number in the paper.
        sources: The data to draw.
        dataset: Config name of a dataset that replaces the paper's.

    Raises:
        MissingRunsError: The runs that it shows are missing.
    """
    entry = FIGURES[number]
    with styled():
        figure = entry.draw(sources, [DATASETS[name] for name in ([dataset] if dataset else entry.datasets)])
        png = io.BytesIO()
        figure.savefig(png, format="png")
    return png.getvalue()
