"""Curves as the paper plots them: logged values averaged over windows of steps.

The columns of a frame of curves:

    dataset, backbone, architecture, initialization, operation, method, variant, seed, source    as in `scores`
    key       logged quantity: gradient/norm/depth, gradient/cosine/depth-edge, feature/distance/edge, weight/edge ...
    step      last step of the window; a final window shorter than half the width is dropped
    value     mean over the steps of the window
    count     number of logged steps in the window
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from mtl.report.names import SETTING, method_of, setting_of
from mtl.report.read.frame import read_log, readable
from mtl.report.read.runs import Run
from mtl.report.read.summary import summaries

COLUMNS = [*SETTING, "method", "variant", "seed", "source", "key", "step", "value", "count"]


def windowed(runs: Sequence[Run], width: int, variants: Mapping[str, str] | None = None) -> pd.DataFrame:
    """Averages the logs of the runs over windows.

    Args:
        runs: Runs; those without a readable `gradients.csv` have no curves.
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


def _curves(run: Run, width: int, variant: str) -> pd.DataFrame:
    every = run.record["gradient_statistics"]["every"]
    if (log := read_log(run.folder) if every else None) is None:
        return _none()
    window = (log["step"] - 1) // width  # steps count from 1
    last = (window + 1) * width
    short = run.record["steps"] % width
    log = log[(last <= run.record["steps"]) | (2 * short >= width)]
    means = log.drop(columns="step").groupby(window.loc[log.index]).agg(["mean", "count"])
    lines = [
        {"key": key, "step": min((index + 1) * width, run.record["steps"]), "value": row[key, "mean"]}
        | {"count": int(row[key, "count"])}
        for index, row in means.iterrows()
        for key in means.columns.get_level_values(0).unique()
        if row[key, "count"]
    ]
    own = setting_of(run.config)._asdict() | {"method": method_of(run.config), "variant": variant, "seed": run.seed}
    return pd.DataFrame(lines, columns=["key", "step", "value", "count"]).assign(
        **own, source=f"{run.folder.parent.name}/{run.folder.name}"
    )[COLUMNS]


def _none() -> pd.DataFrame:
    return pd.DataFrame(columns=COLUMNS)
