"""Draws figures of the paper from the results folder: `python scripts/figures.py figures=1,4 dataset=nyud`.

Without `figures=` it draws all that it can; without `dataset=` (nyud, pascal_context or rooms) those of the paper.
"""

import sys
from collections.abc import Sequence
from pathlib import Path

from mtl.files import write_whole
from mtl.report.figures.catalogue import FIGURES, figure_png, figures_of
from mtl.report.figures.sources import MissingRunsError, read_sources

DEFAULTS = {"figures": "all", "dataset": "", "results": "results"}
DATASETS = ("", "nyud", "pascal_context", "rooms")


def main(words: Sequence[str]) -> None:
    """Writes `figures/figure<k>.png`, or `figure<k>_<dataset>.png`, into the results folder.

    Raises:
        SystemExit: A word is not understood, or a figure that was asked for by number cannot be drawn.
    """
    given = _parsed(words)
    every, dataset, results = given["figures"] == "all", given["dataset"], Path(given["results"])
    sources, undrawn = read_sources(results), []
    for number in figures_of(dataset) if every else map(int, given["figures"].split(",")):
        path = results / "figures" / f"figure{number}{f'_{dataset}' if dataset else ''}.png"
        try:
            write_whole(path, figure_png(number, sources, dataset))
        except MissingRunsError as error:
            undrawn.append(number)
            print(f"figure {number}: {error}")
        else:
            print(path)
    if undrawn and not every:
        sys.exit(1)


def _parsed(words: Sequence[str]) -> dict[str, str]:
    """The settings, from words `key=value`."""
    given = DEFAULTS | dict(word.split("=", 1) if "=" in word else (word, "") for word in words)
    if unknown := sorted(given.keys() - DEFAULTS.keys()):
        sys.exit(f"unknown {', '.join(unknown)}: known are {', '.join(f'{key}=' for key in DEFAULTS)}")
    if given["dataset"] not in DATASETS:
        sys.exit(f"no figures of dataset {given['dataset']}: there are {', '.join(DATASETS[1:])}")
    if not Path(given["results"]).is_dir():
        sys.exit(f"no folder {given['results']}")
    numbers = [] if given["figures"] == "all" else given["figures"].split(",")
    if unknown := [word for word in numbers if word not in map(str, FIGURES)]:
        sys.exit(f"no figure {', '.join(unknown)}: there are {', '.join(map(str, FIGURES))}")
    return given


if __name__ == "__main__":
    main(sys.argv[1:])
