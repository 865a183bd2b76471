"""Estimates training time from finished runs."""

import math
from collections.abc import Iterable, Mapping, Sequence
from statistics import median
from typing import Any

from mtl.report.read.runs import Run

LIKE = ("dataset", "backbone", "model")  # config groups that determine the step time, in addition to the weighter


def expected_hours(config: Mapping[str, Any], steps: int | None, runs: Iterable[Run], device: str) -> float:
    """Estimated hours of training steps, without evaluations; NaN if no finished run is similar enough.

    The step time is the median over runs of the same network and weighter on this device, or, if there are none, of
    the same network with any weighter.

    Args:
        config: Resolved config of the run to estimate.
        steps: Its optimiser steps; None: the median of the matching runs.
        runs: Finished runs.
        device: Name of the device as in run records.
    """
    known = [
        run
        for run in runs
        if run.record["environment"]["device"] == device
        and run.record["step_seconds"] is not None
        and all(run.config[group]["name"] == config[group]["name"] for group in LIKE)
        and run.config["dataset"].get("train") == config["dataset"].get("train")
        and run.config["recipe"]["batch_size"] == config["recipe"]["batch_size"]
        and (len(run.tasks) == 1) == (len(config["subset"]) == 1)
    ]
    same = [run for run in known if run.weighter == config["weighter"]["name"]] or known
    if not same:
        return math.nan
    seconds = median([run.record["step_seconds"] for run in same])
    return seconds * (steps or median([run.record["steps"] for run in same])) / 3600


def total(hours: Sequence[float]) -> str:
    """The total as text, with the number of runs that cannot be estimated."""
    known = [value for value in hours if not math.isnan(value)]
    unknown = len(hours) - len(known)
    rest = f"{unknown} of them without an estimate: no similar run was timed on this device" if unknown else ""
    text = f"about {sum(known):.3g} hours of training steps" if known else ""
    return " and ".join(part for part in (text, rest) if part)
