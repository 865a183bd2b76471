"""Selects the runs of a curve figure and makes their lines."""

from collections.abc import Sequence
from itertools import combinations

import numpy as np
import pandas as pd

from mtl.report.figures.panels import Line
from mtl.report.figures.sources import MissingRunsError
from mtl.report.names import SETTING
from mtl.report.render.style import COLOURS, SERIES, spelled

BACKBONES = ("ResNet-18", "ResNet-tiny")  # assumed for the paper's curves, and that of the studies on rooms


def comparable_curves(curves: pd.DataFrame, dataset: str, methods: Sequence[str], prefix: str) -> pd.DataFrame:
    """Selects curves of vanilla networks with the same backbone and number of steps for each method.

    Of several backbones and lengths, the pair with the most methods is used; ties go to the backbones above, then to
    the longest runs. Runs with changed hyper-parameters or fewer tasks than others of their method are left out.

    Args:
        curves: Frame of curves.
        dataset: Display name.
        methods: Display names.
        prefix: Prefix of the keys.

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
    best = max(groups, key=lambda name: (groups[name]["method"].nunique(), name[0] in BACKBONES, name[1]))
    chosen = groups[best].drop_duplicates(["method", "seed", "key", "step"])
    every = set(chosen["key"])
    if missing := [name for name in methods if set(chosen.loc[chosen["method"] == name, "key"]) != every]:
        raise MissingRunsError(dataset, missing)
    return chosen


def line(curves: pd.DataFrame, method: str, key: str) -> pd.DataFrame:
    """Mean, low and high over the seeds of a method, by step; NaN at steps that a seed lacks."""
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
    """Tasks with curves `<prefix>/<task>`, in order."""
    return [task for task in COLOURS if (curves["key"] == f"{prefix}/{task}").any()]


def pairs_of(curves: pd.DataFrame, prefix: str) -> list[tuple[str, str]]:
    """Pairs of tasks with curves `<prefix>/<task>-<task>`, in order."""
    return [pair for pair in combinations(COLOURS, 2) if (curves["key"] == f"{prefix}/{'-'.join(pair)}").any()]


def task_lines(curves: pd.DataFrame, method: str, key: str, tasks: Sequence[str]) -> list[Line]:
    """One line per task, in its colour."""
    return [Line(spelled(task), line(curves, method, f"{key}/{task}"), COLOURS[task]) for task in tasks]


def method_lines(curves: pd.DataFrame, methods: Sequence[str], key: str) -> list[Line]:
    """One line per method."""
    return [
        Line(titled(curves, method), line(curves, method, key), colour)
        for method, colour in zip(methods, SERIES, strict=False)
    ]


def titled(curves: pd.DataFrame, method: str) -> str:
    """The method, with its seeds if other methods have more."""
    own, every = (sorted(frame["seed"].unique()) for frame in (curves[curves["method"] == method], curves))
    return method if own == every else f"{method} ({listed('seed', own)})"


def origin(curves: pd.DataFrame) -> str:
    """Caption with dataset, backbone, seeds and window width of the curves."""
    setting, seeds = curves[SETTING].iloc[0], sorted(curves["seed"].unique())
    shown = f"{listed('seed', seeds)}{': mean and range' if len(seeds) > 1 else ''}"
    width = int(np.min(curves["step"]))
    return f"{setting['dataset']}, {setting['backbone']}; {shown}; windows of {width:,} steps"


def listed(word: str, seeds: Sequence[int]) -> str:
    """`seed 0` or `seeds 0, 1, 2`."""
    return f"{word}{'s' * (len(seeds) > 1)} {', '.join(map(str, seeds))}"
