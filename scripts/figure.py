"""Draws the figure of an experiment from its finished runs: `python scripts/figure.py experiment=demo`."""

import sys
from collections.abc import Sequence
from pathlib import Path

from mtl import build
from mtl.files import write_whole
from mtl.report.command import report_name
from mtl.report.comparison import compare
from mtl.report.figure import imbalance_figure
from mtl.report.page import missing_runs
from mtl.report.runs import finished_runs
from mtl.report.scores import over_seeds

METHODS = ("uniform", "grid_search", "avgnorm")


def main(overrides: Sequence[str]) -> None:
    """Writes `figures/<experiment>.png` into the results folder."""
    configs = [build.compose([*overrides, f"weighter={name}"]) for name in METHODS]
    results, config = Path(configs[0].results), build.science(configs[0])
    comparison = compare(finished_runs(results), config)
    labels = [comparison.label(build.science(cfg)) for cfg in configs]
    mean, std = over_seeds(comparison)
    uniform, avgnorm = ([*comparison.methods[label].values()] for label in (labels[0], labels[-1]))
    path = results / "figures" / f"{report_name(overrides, config)}.png"
    write_whole(path, imbalance_figure(uniform, avgnorm, mean.loc[labels], std.loc[labels]))
    print("\n".join([*missing_runs(comparison, overrides), str(path)]))


if __name__ == "__main__":
    main(sys.argv[1:])
