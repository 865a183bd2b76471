"""The figures of the paper that show numbers, by their number in it."""

import io
from collections.abc import Callable, Sequence
from typing import NamedTuple

from matplotlib.figure import Figure

from mtl.report.figures.architectures import draw_architectures
from mtl.report.figures.distances import draw_distances
from mtl.report.figures.gradients import draw_alignments, draw_avgnorm_alignments, draw_norms, draw_single_task_norms
from mtl.report.figures.initialization import draw_initializations
from mtl.report.figures.pairs import draw_cosines, draw_dots
from mtl.report.figures.sources import Sources
from mtl.report.names import DATASETS
from mtl.report.render.style import styled

NYUD, PASCAL = ("nyud",), ("pascal_context",)


class Entry(NamedTuple):
    """A figure of the paper.

    Args:
        draw: Draws it for datasets, named as in print.
        datasets: Those of the paper's figure, named as in configs.
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
    """The figures to draw for a dataset: of those that differ by their dataset alone, the paper's own or the first.

    Args:
        dataset: Its name in configs, or nothing for every figure as the paper has it.
    """
    if not dataset:
        return [*FIGURES]
    chosen = {}
    for number, entry in FIGURES.items():
        if entry.draw not in chosen or dataset in entry.datasets:
            chosen[entry.draw] = number
    return sorted(chosen.values())


def figure_png(number: int, sources: Sources, dataset: str = "") -> bytes:
    """A figure as PNG.

    Args:
        number: Its number in the paper.
        sources: What to draw it from.
        dataset: Name in configs of a dataset other than the paper's.

    Raises:
        MissingRunsError: The runs that it shows are not there.
    """
    entry = FIGURES[number]
    with styled():
        figure = entry.draw(sources, [DATASETS[name] for name in ([dataset] if dataset else entry.datasets)])
        png = io.BytesIO()
        figure.savefig(png, format="png")
    return png.getvalue()
