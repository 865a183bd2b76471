"""Curves as the paper plots them: logged values averaged over windows of steps.

A run that was trained elsewhere has the windows of its committed record instead of a log; wider windows are made of
them, exactly if their width is a multiple. The columns of a frame of curves:

    dataset, backbone, architecture, initialization, operation, method, variant, seed, source    as in `scores`
    key       logged quantity: gradient/norm/depth, gradient/cosine/depth-edge, feature/distance/edge, weight/edge ...
    step      last step of the window; a final window shorter than half the width is dropped
    value     mean over the steps of the window
    count     number of logged steps in the window
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from mtl.report.names import SETTING, method_of, setting_of
from mtl.report.read.frame import read_log, readable
from mtl.report.read.runs import Run
from mtl.report.read.summary import summaries

WINDOWS = 12  # in a committed record, as far as the number of steps is a multiple of it
COLUMNS = [*SETTING, "method", "variant", "seed", "source", "key", "step", "value", "count"]


def windowed(runs: Sequence[Run], width: int, variants: Mapping[str, str] | None = None) -> pd.DataFrame:
    """Averages the logs of the runs over windows.

    Args:
        runs: Runs; those trained here without a readable `gradients.csv` have no curves.
        width: Window width in steps.
        variants: As for `summary`.
    """
    frames = [_curves(run, width, (variants or {}).get(run.folder.parent.name, "")) for run in runs]
    frames = [frame for frame in frames if len(frame)]  # an empty frame would turn numbers into objects
    return pd.concat(frames, ignore_index=True) if frames else _none()


def read_curves(folder: Path) -> pd.DataFrame:
    """Reads the curves of all experiments that reproduce a part of the paper."""
    texts = dict.fromkeys([*SETTING, "method", "variant", "source", "key"], str)
    numbers = ("step", "value", "count")
    frames = readable(summaries(folder, "_curves"), COLUMNS, numbers, dtype=texts, keep_default_na=False)
    frames = [frame for frame in frames if len(frame)]
    found = pd.concat(frames, ignore_index=True) if frames else _none()
    return found.drop_duplicates(["source", "key", "step"], ignore_index=True)


def stored_width(steps: int) -> int:
    """Width of the windows in the committed record of a run with this number of steps."""
    return max(steps // WINDOWS, 1)


def window_means(log: pd.DataFrame, width: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Means over windows and the number of logged values in them, by number of the window and key.

    Args:
        log: A `gradients.csv`.
        width: Window width in steps.
    """
    windows = log.drop(columns="step").groupby((log["step"] - 1) // width)  # steps count from 1
    return windows.mean(), windows.count()


def log_of(run: Run, keys: Sequence[str]) -> pd.DataFrame | None:
    """Step and logged quantities of a run, or means over windows if only its committed record is here.

    Args:
        run: The run.
        keys: Keys of the log, such as `gradient/norm/edge`.

    Returns:
        A column per key and `step`; None if they were not logged.
    """
    if not run.file:
        return read_log(run.folder, keys)
    curves = run.logs.get("curves", {"value": {}})
    if not curves["value"].keys() >= set(keys):
        return None
    return pd.DataFrame({"step": curves["step"], **{key: curves["value"][key] for key in keys}}, dtype=float)


def _stored_means(stored: Mapping[str, Any], width: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The same from the windows of a committed record."""
    window = (pd.Series(stored["step"], dtype=int) - 1) // width
    values = pd.DataFrame(stored["value"], index=window.index, dtype=float)
    counts = pd.DataFrame({key: stored["gaps"].get(key, stored["count"]) for key in values}, index=window.index)
    counts = counts.where(values.notna(), 0)
    together = counts.groupby(window).sum()
    return (values * counts).groupby(window).sum() / together, together


def _curves(run: Run, width: int, variant: str) -> pd.DataFrame:
    steps, logged = run.record["steps"], run.record["gradient_statistics"]["every"] > 0
    if run.file:
        width = max(width, stored_width(steps))
        found = _stored_means(run.logs["curves"], width) if "curves" in run.logs else None
    else:
        log = read_log(run.folder) if logged else None
        found = None if log is None else window_means(log, width)
    if found is None:
        return _none()
    (means, counts), short = found, steps % width
    lines = [
        {"key": key, "step": min((index + 1) * width, steps), "value": value, "count": int(count)}
        for index, values, logged in zip(means.index, means.to_numpy(), counts.to_numpy(), strict=True)
        for key, value, count in zip(means.columns, values, logged, strict=True)
        if count and ((index + 1) * width <= steps or 2 * short >= width)
    ]
    own = setting_of(run.config)._asdict() | {"method": method_of(run.config), "variant": variant, "seed": run.seed}
    return pd.DataFrame(lines, columns=["key", "step", "value", "count"]).assign(
        **own, source=f"{run.folder.parent.name}/{run.folder.name}"
    )[COLUMNS]


def _none() -> pd.DataFrame:
    return pd.DataFrame(columns=COLUMNS)
