"""Draws figures of the paper from the results folder: `python scripts/figures.py figures=1,4 dataset=nyud`."""

from collections.abc import Mapping
from pathlib import Path

from mtl import cli
from mtl.files import write_whole
from mtl.report.figures.catalogue import DATASETS_DRAWN, FIGURES, figure_png, figures_of
from mtl.report.figures.sources import MissingRunsError, read_sources

OWN = {
    "figures": ("all", "numbers of the figures, such as 1,4; all: those that can be drawn"),
    "dataset": ("", f"{', '.join(DATASETS_DRAWN)}; without it each figure shows the datasets of the paper"),
    "results": ("results", "folder of the results"),
}


def main(own: Mapping[str, str]) -> None:
    """Writes `figures/figure<k>.png`, or `figure<k>_<dataset>.png`, to the results folder.

    Raises:
        ValueError: A word is wrong, or a figure that was asked for by number cannot be drawn.
    """
    every, dataset, results = own["figures"] == "all", own["dataset"], Path(own["results"])
    numbers = figures_of(dataset) if every else own["figures"].split(",")
    if unknown := [word for word in numbers if str(word) not in map(str, FIGURES)]:
        raise ValueError(f"no figure {', '.join(map(str, unknown))}: there are {', '.join(map(str, FIGURES))}")
    if dataset and dataset not in DATASETS_DRAWN:
        raise ValueError(f"no figures of dataset {dataset}: there are {', '.join(DATASETS_DRAWN)}")
    if not results.is_dir():
        raise ValueError(f"no folder {results}")
    sources, undrawn = read_sources(results), []
    for number in map(int, numbers):
        path = results / "figures" / f"figure{number}{f'_{dataset}' if dataset else ''}.png"
        try:
            write_whole(path, figure_png(number, sources, dataset))
        except MissingRunsError as error:
            undrawn.append(f"figure {number}: {error}")
        else:
            print(path)
    if undrawn and not every:
        raise ValueError("; ".join(undrawn))
    for line in undrawn:
        print(line)


if __name__ == "__main__":
    cli.run(main, __doc__, OWN)
