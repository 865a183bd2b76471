"""Reads the scores that runs had on the validation images during training."""

from collections.abc import Sequence

import pandas as pd

from mtl.files import warn
from mtl.report.names import method_of
from mtl.report.read.frame import read_frame
from mtl.report.read.record import number
from mtl.report.read.runs import Run

WANTED = ("step", "val/", "train/mean_loss/")


def evaluations_of(run: Run) -> dict[str, list[float | None]]:
    """Steps, validation scores and mean losses of all evaluations, a list per key; empty, with a warning, if unknown.

    Args:
        run: The run; one that was trained here has them in `metrics.csv`, otherwise in its committed record.
    """
    if run.file:
        return run.logs.get("evaluations", {})
    path = run.folder / "metrics.csv"
    try:
        rows = read_frame(path, ["step"], WANTED)
    except FileNotFoundError:
        warn(f"{path} is missing: the record of the run has no evaluations")
        return {}
    except ValueError as error:
        warn(f"{error}: the record of the run has no evaluations")
        return {}
    return {key: rows[key].tolist() for key in rows.columns if key.startswith(WANTED)}


def learning_curves(runs: Sequence[Run]) -> pd.DataFrame:
    """Validation scores of the primary metrics during training.

    Args:
        runs: Runs; those without evaluations are left out.

    Returns:
        Columns method, task, metric, higher_is_better, seed, step and value.
    """
    lines = []
    for run in runs:
        found, method = evaluations_of(run), method_of(run.config)
        for task, metric in run.record["metrics"].items():
            name, higher = metric["primary"], metric["higher_is_better"]
            values = found.get(f"val/{task}/{name}", [])
            own = [(step, number(value)) for step, value in zip(found.get("step", []), values, strict=False)]
            lines += [(method, task, name, higher, run.seed, *one) for one in own]
    return pd.DataFrame(lines, columns=["method", "task", "metric", "higher_is_better", "seed", "step", "value"])
