"""Writes the records of an experiment that are committed: what its table and curves are made of, without the runs."""

import json
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePath
from typing import Any

from mtl.files import finite, write_whole
from mtl.report.read.curves import stored_width, window_means
from mtl.report.read.evaluations import evaluations_of
from mtl.report.read.frame import read_log
from mtl.report.read.record import read_committed
from mtl.report.read.runs import Run, portable, words_of

WIDTH = 120  # characters of a line, unless it holds a list or a long text


def write_records(results: Path, name: str, runs: Sequence[Run]) -> None:
    """Writes the records of runs that are not yet in `results/records`, or differ there.

    Args:
        results: The results folder.
        name: Name of the experiment.
        runs: Its finished runs.
    """
    for run in runs:
        path = results / "records" / name / run.folder.parent.name / f"{run.folder.name}.json"
        if not _is_stored(run, path):
            write_whole(path, _text(finite(record_of(run))[0]) + "\n")


def record_of(run: Run) -> dict[str, Any]:
    """The committed record of a run, with its keys sorted; see `record`."""
    logs = run.logs if run.file else _evaluations(run) | _curves(run)
    return dict(sorted({**_anywhere(run.record), **logs}.items()))


def _is_stored(run: Run, path: Path) -> bool:
    try:
        return path.exists() and read_committed(path)[0] == _anywhere(run.record)
    except ValueError:  # it is damaged
        return False


def _anywhere(record: Mapping[str, Any]) -> dict[str, Any]:
    """The record without folders of the machine."""
    changes: dict[str, Any] = {"command": portable(record["command"])} if "command" in record else {}
    changes["environment"] = _own(record["environment"])
    if "earlier_environments" in record:
        changes["earlier_environments"] = [_own(one) for one in record["earlier_environments"]]
    return {**record, **changes}


def _own(environment: Mapping[str, Any]) -> dict[str, Any]:
    """The environment, with the name of the script in place of its path."""
    script, *words = words_of(portable(environment.get("command", ""))) or [""]
    command = {"command": shlex.join([PurePath(script).name, *words])} if script else {}
    return {**environment, **command}


def _evaluations(run: Run) -> dict[str, Any]:
    found = evaluations_of(run)
    return {"evaluations": found} if found else {}


def _curves(run: Run) -> dict[str, Any]:
    """Window means of the log, with 5 significant digits."""
    steps, logged = run.record["steps"], run.record["gradient_statistics"]["every"] > 0
    log = read_log(run.folder) if logged else None
    if log is None or not (log := log[log["step"].between(1, steps)]).drop(columns="step").size:
        return {}
    width = stored_width(steps)
    means, counts = window_means(log, width)
    count = counts.max(axis="columns")
    curves = {
        "step": [min((int(window) + 1) * width, steps) for window in means.index],
        "count": count.tolist(),
        "value": {key: [float(f"{value:.5g}") for value in means[key]] for key in means},
        "gaps": {key: counts[key].tolist() for key in counts if (counts[key] != count).any()},
    }
    return {"curves": curves}


def _text(node: Any, indent: str = "") -> str:
    """JSON with a line per key, as far as its value does not fit into one line."""
    line = json.dumps(node, allow_nan=False)
    if not isinstance(node, Mapping) or len(indent) + len(line) <= WIDTH:
        return line
    parts = [
        f"{indent} {json.dumps(key, allow_nan=False)}: {_text(value, indent + ' ')}" for key, value in node.items()
    ]
    return "{\n" + ",\n".join(parts) + f"\n{indent}}}"
