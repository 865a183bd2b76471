"""One line a run: every number that a table needs, small enough to be kept beside the code."""

from collections.abc import Sequence

import pandas as pd

from mtl.report.names import method_order
from mtl.report.runs import Run


def summary(runs: Sequence[Run]) -> pd.DataFrame:
    """Metrics, mean weights, cost and origin of every run, in the order of weighters, tasks and seeds.

    The columns `best/<task>/<metric>` and `last/<task>/<metric>` are empty where a run lacks the task.
    """
    ordered = sorted(runs, key=lambda run: (method_order(run.weighter), -len(run.tasks), run.folder))
    return pd.DataFrame([_line(run) for run in ordered])


def _line(run: Run) -> dict[str, str | int | float | None]:
    record, environment, name = run.record, run.record["environment"], run.folder.parent.name
    line = {"run": name, "hash": name.rpartition("-")[2], "seed": run.seed, "weighter": run.weighter}
    line |= {"model": run.config["model"]["name"], "tasks": "+".join(run.tasks), "steps": record["steps"]}
    for which in ("best", "last"):
        line[f"{which}/step"] = record[which]["step"]
        for task, scores in record[which]["scores"].items():
            line |= {f"{which}/{task}/{metric}": value for metric, value in scores.items()}
    line |= {f"weight/{task}": weight for task, weight in record["mean_weights"].items()}
    line |= {key: record[key] for key in ("parameters", "step_seconds", "step_cpu_seconds", "peak_memory_mib")}
    line |= {key: environment[key] for key in ("device", "threads", "commit")}
    presets = {task: metric["preset"] for task, metric in record["metrics"].items() if metric["preset"]}
    return line | {"protocol": " ".join(f"{task}={preset}" for task, preset in presets.items())}
