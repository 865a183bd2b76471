"""From the runs of a comparison to the numbers of its table."""

import math
from collections.abc import Mapping

import numpy as np
import pandas as pd

from mtl.metrics.delta_m import delta_m, mean_rank, task_gain
from mtl.report.comparison import Comparison
from mtl.report.names import SINGLE_TASK
from mtl.report.runs import Run, number

Line = dict[tuple[str, str], float]


def by_seed(comparison: Comparison) -> pd.DataFrame:
    """One line per method and seed, single-task networks first.

    The columns come in groups: (metric, task), (last, task), (gain, task), (delta_m, best or last), (weight, task)
    and (cost, time or memory). Gains are relative to the single-task networks of the same seed, time to Uniform of
    the same seed on the same machine; what cannot be told is NaN. The single-task line is its T networks together:
    their times are summed, of their memory it has the largest.
    """
    tasks = comparison.tasks
    lines: dict[tuple[str, int], Line] = {}
    whole = {seed: runs for seed, runs in comparison.singles.items() if len(runs) == len(tasks)}
    for seed, runs in (whole or comparison.singles).items():
        lines[SINGLE_TASK, seed] = _results(comparison, runs, runs) | _cost(comparison, runs)
    for label, seeds in comparison.methods.items():
        for seed, run in seeds.items():
            results = _results(comparison, dict.fromkeys(tasks, run), comparison.singles.get(seed, {}))
            weights = {("weight", task): run.weights[task] for task in tasks}
            lines[label, seed] = results | weights | _cost(comparison, {label: run})
    groups = {"metric": tasks, "last": tasks, "gain": tasks, "delta_m": ["best", "last"], "weight": tasks}
    groups["cost"] = ["time", "memory"]
    columns = pd.MultiIndex.from_tuples([(group, name) for group, names in groups.items() for name in names])
    index = pd.MultiIndex.from_tuples(lines, names=["method", "seed"])
    return pd.DataFrame(list(lines.values()), index, dtype=float).reindex(columns=columns)


def over_seeds(comparison: Comparison) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Mean and sample standard deviation of every method; NaN where one of its seeds has no value.

    Columns as in `by_seed`, and (delta_m, rank): mean rank of the mean metrics among the multi-task methods.
    """
    seeds = by_seed(comparison).groupby(level="method", sort=False)
    mean = seeds.agg(lambda values: values.mean(skipna=False))
    std = seeds.agg(lambda values: values.std(skipna=False))
    metrics = mean["metric"].drop(SINGLE_TASK, errors="ignore")
    ranks = mean_rank(metrics.to_numpy(), [comparison.higher_is_better(task) for task in metrics.columns])
    place = mean.columns.get_loc(("delta_m", "last")) + 1
    mean.insert(place, ("delta_m", "rank"), pd.Series(ranks, metrics.index))
    std.insert(place, ("delta_m", "rank"), math.nan)
    return mean, std


def _results(comparison: Comparison, runs: Mapping[str, Run], singles: Mapping[str, Run]) -> Line:
    """Metrics, gains and Delta_m of the networks that `runs` names for each task."""
    line = {("metric", task): run.primary(task) for task, run in runs.items()}
    line |= {("last", task): run.primary(task, "last") for task, run in runs.items()}
    for which in ("last", "best"):
        gains = {
            task: task_gain(
                runs[task].primary(task, which), singles[task].primary(task, which), comparison.higher_is_better(task)
            )
            for task in runs
            if task in singles
        }
        line["delta_m", which] = delta_m([gains.get(task, math.nan) for task in comparison.tasks])
    return line | {("gain", task): gain for task, gain in gains.items()}


def _cost(comparison: Comparison, networks: Mapping[str, Run]) -> Line:
    whole = len(networks) in (1, len(comparison.tasks))
    times = [_relative_time(run, comparison.uniform(run)) for run in networks.values()]
    memory = float(np.max([number(run.record["peak_memory_mib"]) for run in networks.values()]))
    return {("cost", "time"): sum(times) if whole else math.nan, ("cost", "memory"): memory}


def _relative_time(run: Run, uniform: Run | None) -> float:
    """Seconds per step over those of Uniform: wall time on a GPU, CPU time otherwise."""
    if uniform is None or _machine(run) != _machine(uniform):
        return math.nan
    key = "step_seconds" if run.record["environment"]["device"].startswith("cuda") else "step_cpu_seconds"
    if run.record[key] is None or uniform.record[key] is None:
        return math.nan
    return run.record[key] / uniform.record[key]


def _machine(run: Run) -> tuple[str, int]:
    return run.record["environment"]["device"], run.record["environment"]["threads"]
