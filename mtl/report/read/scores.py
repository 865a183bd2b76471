"""Ours and the paper's numbers in one form: a line for every network, seed and task.

The columns of a frame of scores:

    dataset, backbone, architecture, initialization, operation    as `names.Setting`
    method, variant     name in print, and where its hyper-parameters leave the default ("alpha 0.5")
    seed, task          the paper has one seed, 0; tasks by our names
    value, last         primary metric of the best and of the last evaluation, natural units (percent, metres, degrees)
    metric, higher_is_better
    weight              mean weight of the task
    seconds, memory, passes, device    of a step: time, MiB, encoder passes; wall time on a GPU, CPU time otherwise
    source              name of the run's folder with its seed, or the id of the paper's row
    table               table of the paper; empty for ours

A single-task network is a line by itself, so that the T networks of a setting are T lines of method Single-task.
"""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pandas as pd

from mtl.report.names import SETTING, notation, primary
from mtl.report.read.summary import summaries

PAPER_TASKS = {  # of the paper's CSV files
    "seg": "semseg",
    "hparts": "human_parts",
    "depth": "depth",
    "normal": "normals",
    "sal": "saliency",
    "edge": "edge",
}
PAPER_METRICS = {"miou": "miou", "rmse": "rmse", "merr": "mean_angular_error", "maxf": "max_f", "odsf": "ods_f"}
COLUMNS = [
    *(*SETTING, "method", "variant", "seed", "task", "value", "last", "metric", "higher_is_better", "weight"),
    *("seconds", "memory", "passes", "device", "source", "table"),
]


def paper_scores(folder: Path) -> pd.DataFrame:
    """What the paper prints in Tables II to VII.

    Table V calls its methods Single-task and Multi-task; the latter is Uniform here. Where the paper leaves the size of
    the ViT open (Table V) it is taken for the ViT-T/16 of its other InvPT networks; DINO-v2's ViT-B/14 goes by ViT-B.

    Args:
        folder: Folder of `all_results_long.csv`.
    """
    found = pd.read_csv(folder / "all_results_long.csv", dtype=str, keep_default_na=False)
    found = found[found["task"].isin(PAPER_TASKS)]
    found = found.replace(
        {
            "backbone": {"ViT-B/16": "ViT-B", "ViT-B/14 (reg4)": "ViT-B", "ViT (size unstated)": "ViT-T/16"},
            "initialization": {"ImageNet (version unstated)": ""},
            "operation": {"Clean": ""},
            "method": {"Multi-task": "Uniform"},
            "task": PAPER_TASKS,
            "metric": PAPER_METRICS,
        }
    )
    return pd.DataFrame(
        {column: found[column] for column in [*SETTING, "method", "task", "metric", "table"]}
        | {"variant": "", "seed": 0, "source": found["row_id"], "device": ""}
        | {"value": found["value"].astype(float), "weight": pd.to_numeric(found["lambda"], errors="coerce")}
        | {"higher_is_better": found["better"] == "higher", "last": np.nan}
        | dict.fromkeys(("seconds", "memory", "passes"), np.nan),
    )[COLUMNS].reset_index(drop=True)


def our_scores(summaries: Iterable[pd.DataFrame]) -> pd.DataFrame:
    """What our runs have scored, each run once however many summaries name it.

    Args:
        summaries: What `summary` has made, or read back from its CSV files.

    Raises:
        ValueError: Two runs on a dataset judge a task by different presets.
    """
    wide = [frame for frame in summaries if len(frame)]
    if not wide:
        return pd.DataFrame(columns=COLUMNS)
    lines = pd.concat(wide, ignore_index=True).drop_duplicates(["run", "seed"])
    _check_presets(lines)
    return pd.DataFrame([line for _, row in lines.iterrows() for line in _lines(row)], columns=COLUMNS)


def read_scores(folder: Path) -> pd.DataFrame:
    """Our scores in the summaries of all experiments that reproduce a part of the paper."""
    paths = summaries(folder, "")
    return our_scores([pd.read_csv(path, keep_default_na=False, na_values=[""]) for path in paths])


def _check_presets(lines: pd.DataFrame) -> None:
    """Refuse numbers that would be divided by each other and are not comparable."""
    seen: dict[tuple[str, str], tuple[str, str]] = {}
    for dataset, words, run in zip(
        lines["dataset"], lines["protocol"].astype(object).fillna(""), lines["run"], strict=True
    ):
        for task, _, preset in (word.partition("=") for word in words.split()):
            other, first = seen.setdefault((dataset, task), (preset, run))
            if other != preset:
                raise ValueError(
                    f"{task} on {dataset} is judged by the preset {preset!r} in {run} but by {other!r} in {first}: "
                    "such numbers are not comparable; keep each preset in a folder of its own (results=FOLDER)"
                )


def _lines(row: pd.Series) -> Iterable[dict]:
    """A line for each task of a run."""
    seconds = row["step_seconds" if str(row["device"]).startswith("cuda") else "step_cpu_seconds"]
    own = {key: "" if pd.isna(row[key]) else str(row[key]) for key in [*SETTING, "method", "variant"]}
    own |= {"seed": int(row["seed"]), "seconds": seconds, "memory": row["peak_memory_mib"], "table": ""}
    own |= {"device": row["device"], "passes": row["encoder_passes"], "source": f"{row['run']}/seed{row['seed']}"}
    for task in row["tasks"].split("+"):
        metric = primary(task, row.index)
        yield own | {
            "task": task,
            "metric": metric,
            "higher_is_better": notation(task, metric).higher_is_better,
            "value": row[f"best/{task}/{metric}"],
            "last": row[f"last/{task}/{metric}"],
            "weight": row[f"weight/{task}"],
        }
