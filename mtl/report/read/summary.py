"""One CSV row per run with every number that tables, claims and figures need; small enough to commit."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from mtl.report.names import DATASETS, method_of, method_order, setting_of
from mtl.report.read.record import number
from mtl.report.read.runs import Run

# Experiments that reproduce a part of the paper, or ask its questions on other images; figures and claims read their
# summaries.
EXPERIMENTS = ("figures", "table2", "table3", "table4", "table5", "table6", "table7", "figure4", "controls")
EXPERIMENTS += ("study", "mtan", "search")


def summary(runs: Sequence[Run], variants: Mapping[str, str] | None = None) -> pd.DataFrame:
    """Setting, metrics, mean weights, cost and provenance of every run, sorted by weighter, tasks and seed.

    The columns `best/<task>/<metric>` and `last/<task>/<metric>` are empty if a run lacks the task. On a dataset
    with a test split, `best` is the test score of the network with the best validation score, and `validation` is that
    score.

    Args:
        runs: The runs.
        variants: Run folder without the seed -> non-default hyper-parameters of its method.
    """
    ordered = sorted(runs, key=lambda run: (method_order(run.weighter), -len(run.tasks), run.folder))
    return pd.DataFrame([_line(run, (variants or {}).get(run.folder.parent.name, "")) for run in ordered])


def summaries(folder: Path, ending: str) -> list[Path]:
    """Existing files of the experiments above, such as `table2_nyud.csv`; files of other experiments are ignored."""
    paths = [folder / f"{name}_{dataset}{ending}.csv" for name in EXPERIMENTS for dataset in DATASETS]
    return [path for path in paths if path.exists()]


def _line(run: Run, variant: str) -> dict[str, str | int | float | None]:
    record, environment, name = run.record, run.record["environment"], run.folder.parent.name
    line = {"run": name, "hash": name.rpartition("-")[2], "seed": run.seed, "weighter": run.weighter}
    line |= setting_of(run.config)._asdict() | {"method": method_of(run.config), "variant": variant}
    line |= {"model": run.config["model"]["name"], "tasks": "+".join(run.tasks), "steps": record["steps"]}
    line |= {f"{which}/step": record[which]["step"] for which in ("best", "last")}
    for which in ("best", "last", "validation"):
        for task, scores in run.scores(which).items():
            line |= {f"{which}/{task}/{metric}": value for metric, value in scores.items()}
    line |= {f"weight/{task}": weight for task, weight in run.weights.items()}
    line |= {key: number(record[key]) for key in ("parameters", "step_seconds", "step_cpu_seconds", "peak_memory_mib")}
    line |= {"feature_distance": record.get("feature_distance", False)}
    line |= {"encoder_passes": run.encoder_passes, "command": run.command}
    line |= {key: environment[key] for key in ("device", "threads", "commit")}
    return line | {"protocol": " ".join(f"{task}={preset}" for task, preset in run.presets.items())}
