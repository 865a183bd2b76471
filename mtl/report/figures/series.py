"""Which runs a figure of curves shows, and their lines over the steps."""

from collections.abc import Sequence
from itertools import combinations

import numpy as np
import pandas as pd

from mtl.report.figures.panels import Line
from mtl.report.figures.sources import MissingRunsError
from mtl.report.names import SETTING
from mtl.report.render.style import COLOURS, spelled

BACKBONE = "ResNet-18"  # of the paper's curves, as far as it can be told


def comparable_curves(curves: pd.DataFrame, dataset: str, methods: Sequence[str], prefix: str) -> pd.DataFrame:
    """The curves of vanilla networks of one backbone and one length under each of the methods.

    Where several backbones and lengths are there it is those with most of the methods; then the paper's backbone, then
    the longest runs. Runs with changed hyper-parameters or with fewer tasks than others of their method are left out.

    Args:
        curves: Frame of curves.
        dataset: Name in print.
        methods: Names in print.
        prefix: How the keys begin.

    Raises:
        MissingRunsError: A method has no such curves, or not for all tasks.
    """
    plain = (curves[["initialization", "operation", "variant"]] == "").all(axis=1)
    plain &= (curves["architecture"] == "Vanilla") & (curves["dataset"] == dataset) & curves["method"].isin(methods)
    found = curves[plain & curves["key"].str.startswith(f"{prefix}/")]
    if not len(found):
        raise MissingRunsError(dataset, methods)
    keys = found.groupby("source")["key"].transform("nunique")
    found = found[keys == keys.groupby(found["method"]).transform("max")]
    length = found.groupby("source")["step"].transform("max")
    groups = dict(iter(found.groupby([found["backbone"], length])))
    best = max(groups, key=lambda name: (groups[name]["method"].nunique(), name[0] == BACKBONE, name[1]))
    chosen = groups[best].drop_duplicates(["method", "seed", "key", "step"])
    every = set(chosen["key"])
    if missing := [name for name in methods if set(chosen.loc[chosen["method"] == name, "key"]) != every]:
        raise MissingRunsError(dataset, missing)
    return chosen


def line(curves: pd.DataFrame, method: str, key: str) -> pd.DataFrame:
    """Columns mean, low and high over the seeds of a method, by step; a step that a seed lacks is a gap."""
    own = curves[(curves["method"] == method) & (curves["key"] == key)]
    values = own.pivot(index="step", columns="seed", values="value").astype(float)  # a column per seed
    return pd.DataFrame(
        {
            "mean": values.mean(axis=1, skipna=False),
            "low": values.min(axis=1, skipna=False),
            "high": values.max(axis=1, skipna=False),
        }
    )


def tasks_of(curves: pd.DataFrame, prefix: str) -> list[str]:
    """Tasks that have curves `<prefix>/<task>`, in order."""
    return [task for task in COLOURS if (curves["key"] == f"{prefix}/{task}").any()]


def pairs_of(curves: pd.DataFrame, prefix: str) -> list[tuple[str, str]]:
    """Pairs of tasks that have curves `<prefix>/<task>-<task>`, in order."""
    return [pair for pair in combinations(COLOURS, 2) if (curves["key"] == f"{prefix}/{'-'.join(pair)}").any()]


def task_lines(curves: pd.DataFrame, method: str, key: str, tasks: Sequence[str]) -> list[Line]:
    """A line per task, in its colour."""
    return [Line(spelled(task), line(curves, method, f"{key}/{task}"), (COLOURS[task],)) for task in tasks]


def pair_lines(curves: pd.DataFrame, method: str, key: str, pairs: Sequence[tuple[str, str]]) -> list[Line]:
    """A line per pair of tasks, in the colours of both."""
    return [
        Line(
            "–".join(map(spelled, pair)),
            line(curves, method, f"{key}/{'-'.join(pair)}"),
            tuple(COLOURS[task] for task in pair),
        )
        for pair in pairs
    ]


def titled(curves: pd.DataFrame, method: str) -> str:
    """The method, with its seeds where others have more."""
    own, every = (sorted(frame["seed"].unique()) for frame in (curves[curves["method"] == method], curves))
    return method if own == every else f"{method} ({listed('seed', own)})"


def origin(curves: pd.DataFrame) -> str:
    """Dataset, backbone, seeds and window of the curves, for a caption."""
    setting, seeds = curves[SETTING].iloc[0], sorted(curves["seed"].unique())
    shown = f"{listed('seed', seeds)}{': mean and range' if len(seeds) > 1 else ''}"
    width = int(np.min(curves["step"]))
    return f"{setting['dataset']}, {setting['backbone']}; {shown}; windows of {width:,} steps"


def listed(word: str, seeds: Sequence[int]) -> str:
    """`seed 0` or `seeds 0, 1, 2`."""
    return f"{word}{'s' * (len(seeds) > 1)} {', '.join(map(str, seeds))}"
