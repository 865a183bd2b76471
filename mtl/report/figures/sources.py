"""The data that the paper's figures show, and the error that names missing runs."""

from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from mtl.report.names import DATASETS
from mtl.report.numbers.gains import with_gains
from mtl.report.read.curves import read_curves
from mtl.report.read.frame import read_frame
from mtl.report.read.scores import COLUMNS, paper_scores, read_scores

TRAINING = "make {target} DATASET={dataset}"  # command that trains missing runs
STUDIES = {"rooms_nyud": "make study-rooms", "rooms_pascal": "make study-rooms", "camvid": "make study-camvid"}
PROSE = ["figure", "quantity", "value", "unit", "dataset", "configuration"]


class Sources(NamedTuple):
    """The data in the results folder that figures show.

    Args:
        paper: The paper's scores, with gains.
        prose: Numbers that the paper gives only in running text, as printed.
        ours: Our scores, with gains.
        curves: Our curves.
    """

    paper: pd.DataFrame
    prose: pd.DataFrame
    ours: pd.DataFrame
    curves: pd.DataFrame


class MissingRunsError(Exception):
    """A figure cannot be drawn because runs are missing."""

    def __init__(self, dataset: str, missing: Iterable[str], target: str = "figures-runs"):
        word = next(word for word, name in DATASETS.items() if name == dataset)
        command = STUDIES.get(word) or TRAINING.format(target=target, dataset=word)
        super().__init__(f"no runs on {dataset} for {', '.join(missing)}; train them: {command}")


def read_sources(results: Path) -> Sources:
    """Reads a results folder; missing files give empty frames."""
    paper, prose = results / "paper" / "all_results_long.csv", results / "paper" / "prose_numbers.csv"
    return Sources(
        paper=with_gains(paper_scores(paper.parent) if paper.exists() else pd.DataFrame(columns=COLUMNS)),
        prose=read_frame(prose, PROSE, dtype=str)[PROSE] if prose.exists() else pd.DataFrame(columns=PROSE),
        ours=with_gains(read_scores(results / "summary")),
        curves=read_curves(results / "summary"),
    )


def origins(sources: Sources) -> list[tuple[str, pd.DataFrame]]:
    """The two sources of scores, in the order of a figure's rows."""
    return [("paper", sources.paper), ("ours", sources.ours)]
