"""Our scores and the paper's in one format: one row per network, seed and task.

The columns of a frame of scores:

    dataset, backbone, architecture, initialization, operation    as `names.Setting`
    method, variant     display name, and non-default hyper-parameters ("alpha 0.5")
    seed, task          the paper has one seed, 0; tasks have our names
    value, last         primary metric at the best and last evaluation, in natural units (percent, metres, degrees)
    validation          the same on the validation images that chose the best evaluation; NaN without a test split
    metric, higher_is_better
    weight              mean weight of the task
    seconds, memory, passes, device    per step: time (wall time on a GPU, CPU time otherwise), MiB, encoder passes
    feature_distance    whether time and memory include the measurement of feature distances
    source              run folder with seed, or id of the paper's row
    table               table of the paper; empty for ours

The T single-task networks of a setting are T rows with the method Single-task.
"""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pandas as pd

from mtl.report.names import SETTING, notation, primary
from mtl.report.read.frame import read_frame, readable
from mtl.report.read.record import step_time
from mtl.report.read.summary import summaries

PAPER_TASKS = {  # name in the paper's CSV files -> ours
    "seg": "semseg",
    "hparts": "human_parts",
    "depth": "depth",
    "normal": "normals",
    "sal": "saliency",
    "edge": "edge",
}
PAPER_METRICS = {"miou": "miou", "rmse": "rmse", "merr": "mean_angular_error", "maxf": "max_f", "odsf": "ods_f"}
PAPER_COLUMNS = ("row_id", "table", *SETTING, "method", "task", "metric", "better", "value", "lambda")
SUMMARY = (*SETTING, "run", "seed", "method", "variant", "tasks", "protocol", "device", "step_seconds")
SUMMARY += ("step_cpu_seconds", "peak_memory_mib", "feature_distance", "encoder_passes")  # columns that are read
NUMBERS = ("best/", "last/", "validation/", "weight/")  # beginnings of those with numbers
NUMBERS += ("seed", "step_", "peak_", "encoder_")
MEASURED = ["device", "feature_distance"]  # times and memory are compared between runs that agree in these
COLUMNS = [
    *(*SETTING, "method", "variant", "seed", "task"),
    *("value", "last", "validation", "metric", "higher_is_better", "weight"),
    *("seconds", "memory", "passes", "device", "feature_distance", "source", "table"),
]


def paper_scores(folder: Path) -> pd.DataFrame:
    """Reads the scores of Tables II to VII.

    Table V's Multi-task is Uniform here. Its ViT, whose size the paper does not state, is assumed to be the ViT-T/16 of
    the other InvPT networks. DINO-v2's ViT-B/14 is listed as ViT-B.

    Args:
        folder: Folder of `all_results_long.csv`.
    """
    path = folder / "all_results_long.csv"
    found = read_frame(path, PAPER_COLUMNS, printed=("value", "lambda"), dtype=str, keep_default_na=False)
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
        | {"variant": "", "seed": 0, "source": found["row_id"], "device": "", "feature_distance": False}
        | {"value": found["value"].astype(float), "weight": pd.to_numeric(found["lambda"], errors="coerce")}
        | {"higher_is_better": found["better"] == "higher", "last": np.nan}
        | dict.fromkeys(("validation", "seconds", "memory", "passes"), np.nan),
    )[COLUMNS].reset_index(drop=True)


def our_scores(summaries: Iterable[pd.DataFrame]) -> pd.DataFrame:
    """Scores of our runs; a run that is in several summaries counts once.

    Args:
        summaries: Results of `summary`, or read back from its CSV files.

    Raises:
        ValueError: Two runs on one dataset evaluate a task with different presets, or no summary has scores of a task.
    """
    wide = [frame for frame in summaries if len(frame)]
    if not wide:
        return pd.DataFrame(columns=COLUMNS)
    lines = pd.concat(wide, ignore_index=True).drop_duplicates(["run", "seed"])
    _check_presets(lines)
    return pd.DataFrame([line for _, row in lines.iterrows() for line in _lines(row)], columns=COLUMNS)


def read_scores(folder: Path) -> pd.DataFrame:
    """Reads the scores of all experiments that reproduce a part of the paper."""
    frames = readable(summaries(folder, ""), SUMMARY, NUMBERS, keep_default_na=False, na_values=[""])
    return our_scores(frames)


def _check_presets(lines: pd.DataFrame) -> None:
    """Rejects runs whose scores are not comparable."""
    seen: dict[tuple[str, str], tuple[str, str]] = {}
    for dataset, words, run in zip(
        lines["dataset"], lines["protocol"].astype(object).fillna(""), lines["run"], strict=True
    ):
        for task, _, preset in (word.partition("=") for word in words.split()):
            other, first = seen.setdefault((dataset, task), (preset, run))
            if other != preset:
                raise ValueError(
                    f"{task} on {dataset} is evaluated with preset {preset!r} in {run} but {other!r} in {first}: "
                    "the scores are not comparable; use a separate results folder per preset (results=FOLDER)"
                )


def _lines(row: pd.Series) -> Iterable[dict]:
    """One row per task of a run."""
    own = {key: "" if pd.isna(row[key]) else str(row[key]) for key in [*SETTING, "method", "variant"]}
    own |= {"seed": int(row["seed"]), "source": f"{row['run']}/seed{row['seed']}", "table": ""}
    own |= {"seconds": step_time(str(row["device"]), row), "memory": row["peak_memory_mib"]}
    own |= {"passes": row["encoder_passes"]} | {key: row[key] for key in MEASURED}
    for task in row["tasks"].split("+"):
        if (metric := primary(task, row.index)) is None:
            raise ValueError(
                f"the summary of {row['run']} has no scores of {task}: make it again with scripts/reproduce.py"
            )
        yield own | {
            "task": task,
            "metric": metric,
            "higher_is_better": notation(task, metric).higher_is_better,
            "value": row[f"best/{task}/{metric}"],
            "validation": row.get(f"validation/{task}/{metric}", np.nan),
            "last": row[f"last/{task}/{metric}"],
            "weight": row[f"weight/{task}"],
        }
