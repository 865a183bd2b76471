"""One line a run: every number that tables, claims and figures need, small enough to be kept beside the code."""

from collections.abc import Mapping, Sequence

import pandas as pd

from mtl.report.address import method_of, setting_of
from mtl.report.names import method_order
from mtl.report.runs import Run, number


def summary(runs: Sequence[Run], variants: Mapping[str, str] | None = None) -> pd.DataFrame:
    """Setting, metrics, mean weights, cost and origin of every run, in the order of weighters, tasks and seeds.

    The columns `best/<task>/<metric>` and `last/<task>/<metric>` are empty where a run lacks the task. On a dataset
    with a test split, `best` is the test score of the network that was best in validation.

    Args:
        runs: The runs.
        variants: Name of a run's folder without the seed -> in which settings its method leaves the default.
    """
    ordered = sorted(runs, key=lambda run: (method_order(run.weighter), -len(run.tasks), run.folder))
    return pd.DataFrame([_line(run, (variants or {}).get(run.folder.parent.name, "")) for run in ordered])


def _line(run: Run, variant: str) -> dict[str, str | int | float | None]:
    record, environment, name = run.record, run.record["environment"], run.folder.parent.name
    line = {"run": name, "hash": name.rpartition("-")[2], "seed": run.seed, "weighter": run.weighter}
    line |= setting_of(run.config)._asdict() | {"method": method_of(run.config), "variant": variant}
    line |= {"model": run.config["model"]["name"], "tasks": "+".join(run.tasks), "steps": record["steps"]}
    for which in ("best", "last"):
        line[f"{which}/step"] = record[which]["step"]
        for task, scores in run.scores(which).items():
            line |= {f"{which}/{task}/{metric}": value for metric, value in scores.items()}
    line |= {f"weight/{task}": weight for task, weight in run.weights.items()}
    line |= {key: number(record[key]) for key in ("parameters", "step_seconds", "step_cpu_seconds", "peak_memory_mib")}
    line |= {"encoder_passes": run.encoder_passes, "command": record.get("command", "")}
    line |= {key: environment[key] for key in ("device", "threads", "commit")}
    return line | {"protocol": " ".join(f"{task}={preset}" for task, preset in run.presets.items())}
