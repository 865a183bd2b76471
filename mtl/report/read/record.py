"""Reads the records of runs; one that is damaged is refused.

A run folder has a `record.json`. A committed record, `results/records/<experiment>/<run>/seed<k>.json`, is that record
with the evaluations and curves of the run, each as one list per key:

    evaluations   step, val/<task>/<metric>, train/mean_loss/<task>: the columns of `metrics.csv`
    curves        step (last of each window), count (logged steps in it), value (key of `gradients.csv` -> means), and
                  gaps (counts of the keys that were not logged at every one of these steps)
"""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mtl.files import NUMBER, misfit, read_json

SCORES = {"*": {"*": NUMBER}}
EVALUATION = {"step": int, "scores": SCORES, "test?": SCORES}
NAMED = {"name": str}
SPLIT = {"images": int, "of?": int, "fingerprint?": {"*": str}}
ABOUT = {"device": str, "threads?": int, "commit?": (str, type(None)), "packages?": {"*": str}, "command?": str}
FORM = {  # of a record, as far as it is read
    "config": {
        **{"dataset": NAMED, "backbone": NAMED, "model": NAMED, "recipe": dict, "subset": [str]},
        "weighter": {"name": str, "method?": dict, "scope?": str},
    },
    "metrics": {"*": {"primary": str, "higher_is_better": bool, "preset": (str, type(None))}},
    **{"best": EVALUATION, "last": EVALUATION, "mean_weights": {"*": NUMBER}},
    **{"seed": int, "steps": int, "skipped_steps?": int, "processes?": int},
    **dict.fromkeys(("parameters", "step_seconds", "step_cpu_seconds", "peak_memory_mib"), NUMBER),
    **{"data?": {"*": SPLIT}, "seconds?": {"*": (int, float)}},
    **{"gradient_statistics": {"scope": str, "every": int}, "feature_distance?": bool, "command?": str},
    **{"environment": ABOUT | {"threads": int, "commit": (str, type(None))}, "earlier_environments?": [ABOUT]},
}
LOGS = {  # what a committed record has in addition
    "evaluations": {"*": [NUMBER]},
    "curves": {"step": [int], "count": [int], "value": {"*": [NUMBER]}, "gaps": {"*": [int]}},
}


def step_time(device: str, times: Any) -> float | None:
    """Seconds of a step: wall time on a GPU; CPU time otherwise, which leaves out the time of other processes.

    Args:
        device: Name of the device.
        times: A record, or a row of a summary.
    """
    return times["step_seconds" if device.startswith("cuda") else "step_cpu_seconds"]


def number(value: float | None) -> float:
    """Converts null, the JSON form of NaN, back to NaN."""
    return math.nan if value is None else value


def read_record(path: Path) -> dict[str, Any]:
    """The record of a finished run.

    Raises:
        ValueError: The file is damaged.
    """
    try:
        return _read(path, FORM)
    except ValueError as error:
        raise ValueError(f"{error}: train the run again with force=true") from error


def read_committed(path: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """The committed record of a run: the record, and its evaluations and curves if it has them.

    Raises:
        ValueError: The file is damaged.
    """
    try:
        record = _read(path, FORM | {f"{key}?": form for key, form in LOGS.items()})
        logs = {key: record.pop(key) for key in LOGS if key in record}
        if uneven := [key for key, lists in logs.items() if len(_lengths(lists)) > 1]:
            raise ValueError(f"{path} is damaged (the lists of {uneven[0]} differ in length)")
        if path.stem != f"seed{record['seed']}":
            raise ValueError(f"{path} is damaged (its seed is {record['seed']})")
    except ValueError as error:
        raise ValueError(f"{error}: restore it with git, or train the run again") from error
    return record, logs


def _read(path: Path, form: Mapping[str, Any]) -> dict[str, Any]:
    record = read_json(path, form)
    tasks = record["config"]["subset"]
    reason = misfit(record, {"metrics": dict.fromkeys(tasks, dict), "mean_weights": dict.fromkeys(tasks, NUMBER)})
    if reason is None:
        scored = {task: {record["metrics"][task]["primary"]: NUMBER} for task in tasks}
        found = {which: record[which].get("test") or record[which]["scores"] for which in ("best", "last")}
        reason = misfit(found, dict.fromkeys(found, scored))
    if reason:
        raise ValueError(f"{path} is damaged ({reason})")
    return record


def _lengths(lists: Mapping[str, Any]) -> set[int]:
    parts = (_lengths(part) if isinstance(part, Mapping) else {len(part)} for part in lists.values())
    return set().union(*parts)
