"""The numbers of a table: our means over seeds next to the paper's values.

Rows form blocks of one dataset, backbone and architecture. Columns are grouped:

    (ours | std | paper | difference, task or delta_m)    means and sample standard deviations over seeds
    (noise, task or delta_m)    whether the difference to the best row of the block is within seed noise
    (last, task or delta_m)    means at the last evaluation
    (rank, mean)    rank in the block by mean metric, averaged over tasks; a probe has none
    (weight | printed, task)    mean weights, ours and the paper's
    (cost, time | memory | passes)    per step; time and memory relative to Uniform
    (runs, seeds)    number of seeds

and on request, of every metric `<task>/<metric>` that is not a primary one (`with_other_metrics`):

    (other | spread, <task>/<metric>)    means and sample standard deviations over seeds
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy.stats import ttest_rel

from mtl.delta_m import mean_rank
from mtl.report.names import BLOCK, ROW, SINGLE_TASK, Row, primary
from mtl.report.numbers.gains import Baseline, delta_by_seed, with_gains
from mtl.report.numbers.probe import without_probes
from mtl.report.read.scores import MEASURED

LEVEL = 0.05  # of the paired t-test


def table_of(ours: pd.DataFrame, paper: pd.DataFrame, rows: Sequence[Row], baseline: Baseline) -> pd.DataFrame:
    """Computes the numbers of a table.

    Args:
        ours: Frame of our scores, of these rows only.
        paper: Frame of the scores printed in the paper's table; may be empty.
        rows: The rows in order: setting, method and variant.
        baseline: Chooses the setting of the single-task networks for Delta_m.

    Returns:
        One line per row, with the columns of the module docstring; NaN if there is no value.
    """
    index = pd.MultiIndex.from_tuples(rows, names=ROW)
    ours, paper = (with_gains(frame, baseline) for frame in (ours, paper))
    tasks = list(dict.fromkeys(ours["task"])) or list(dict.fromkeys(paper["task"]))
    seeds, last = _by_seed(ours, tasks), _by_seed(with_gains(ours, baseline, "last"), tasks, "last")
    printed = _by_seed(paper, tasks).groupby(level=ROW).mean()
    grouped = seeds.groupby(level=ROW)
    mean, std = (grouped.agg(lambda v, f=f: getattr(v, f)(skipna=False)) for f in ("mean", "std"))
    columns = [*tasks, "delta_m"]
    found = {("ours", key): mean[key] for key in columns} | {("std", key): std[key] for key in columns}
    found |= {("paper", key): printed[key] for key in columns if len(printed)}
    table = pd.DataFrame(found).reindex(index)
    for key in columns:
        if ("paper", key) in table:
            table["difference", key] = table["ours", key] - table["paper", key]
    both = pd.concat([frame[["task", "higher_is_better"]] for frame in (paper, ours)])
    better = dict(zip(both["task"], both["higher_is_better"], strict=True)) | {"delta_m": True}
    for key in columns:
        table["noise", key] = _inside_noise(seeds[key], table["ours", key], better[key])
    for key in columns:
        table["last", key] = last[key].groupby(level=ROW).agg(lambda v: v.mean(skipna=False)).reindex(index)
    ranked = without_probes(ours)[ROW].drop_duplicates()
    means = table.loc[index.isin(pd.MultiIndex.from_frame(ranked)), [("ours", task) for task in tasks]]
    table["rank", "mean"] = _ranks(means, [better[task] for task in tasks]).reindex(index)
    for key, values in (_weights(ours, "weight") | _weights(paper, "printed") | _costs(_whole(ours, tasks))).items():
        table[key] = values.reindex(index)
    table["runs", "seeds"] = grouped.size().reindex(index).fillna(0).astype(int)
    return table


def with_other_metrics(table: pd.DataFrame, lines: pd.DataFrame) -> pd.DataFrame:
    """The table with the means and deviations of metrics that are not primary.

    Args:
        table: Result of `table_of`.
        lines: The summary of its runs, as `read.summary.summary` makes it; where a run lacks a metric its row has NaN.
    """
    table = table.copy()
    for column in lines.columns[lines.columns.str.match("best/.+/")]:
        _, task, metric = column.split("/")
        if metric != primary(task, lines.columns):
            own = lines[[task in tasks.split("+") for tasks in lines["tasks"]]].groupby(ROW)[column]
            for group, statistic in (("other", "mean"), ("spread", "std")):
                values = own.agg(lambda v, name=statistic: getattr(v, name)(skipna=False))
                table[group, f"{task}/{metric}"] = values.reindex(table.index)
    return table


def best_rows(table: pd.DataFrame, key: str, higher_is_better: bool) -> set[tuple]:
    """The multi-task row with the best mean in a column, for every block."""
    values = table["ours", key].drop(SINGLE_TASK, level="method", errors="ignore").dropna()
    blocks = values.groupby(level=BLOCK)
    return set(blocks.idxmax() if higher_is_better else blocks.idxmin())


def _by_seed(scores: pd.DataFrame, tasks: list[str], values: str = "value") -> pd.DataFrame:
    """Metrics and Delta_m by row and seed, at the best or last evaluation."""
    wide = scores.pivot_table(index=[*ROW, "seed"], columns="task", values=values, sort=False, observed=True)
    return wide.reindex(columns=tasks).assign(delta_m=delta_by_seed(_whole(scores, tasks)))


def _whole(scores: pd.DataFrame, tasks: Sequence[str]) -> pd.DataFrame:
    """Drops rows and seeds that lack a task: a mean over some of the tasks would be misleading."""
    count = scores.groupby([*ROW, "seed"], sort=False)["task"].transform("nunique")
    return scores[count >= len(tasks)]


def _inside_noise(seeds: pd.Series, means: pd.Series, higher_is_better: bool) -> pd.Series:
    """Whether a paired t-test over at least two common seeds fails to separate a row from its block's best."""
    table = pd.DataFrame({("ours", "value"): means})
    best = {row[: len(BLOCK)]: row for row in best_rows(table, "value", higher_is_better)}
    inside = []
    for row in means.index:
        other = best.get(row[: len(BLOCK)])
        if other is None or row == other or row[ROW.index("method")] == SINGLE_TASK or pd.isna(means[row]):
            inside.append(False)
            continue
        pairs = pd.concat([seeds.loc[row], seeds.loc[other]], axis=1, join="inner").dropna()
        inside.append(len(pairs) > 1 and not _differ(pairs.iloc[:, 0], pairs.iloc[:, 1]))
    return pd.Series(inside, means.index)


def _differ(one: pd.Series, other: pd.Series) -> bool:
    gaps = one - other
    if gaps.std() == 0:
        return bool(gaps.mean() != 0)
    return bool(ttest_rel(one, other).pvalue < LEVEL)


def _ranks(means: pd.DataFrame, higher_is_better: Sequence[bool]) -> pd.Series:
    """Mean rank over tasks of every multi-task row in its block."""
    multi = means.drop(SINGLE_TASK, level="method", errors="ignore")
    ranks = [
        pd.Series(mean_rank(block.to_numpy(), higher_is_better), block.index)
        for _, block in multi.groupby(level=BLOCK, sort=False)
    ]
    return pd.concat(ranks).reindex(means.index) if ranks else pd.Series(np.nan, means.index)


def _costs(scores: pd.DataFrame) -> dict[tuple[str, str], pd.Series]:
    """Step time and memory relative to Uniform with the same setting, seed and conditions, and encoder passes.

    For the single-task row, the times of its networks are summed and the largest memory is taken.
    """
    runs = scores.drop_duplicates("source")
    keys = [*ROW, "seed", *MEASURED]
    whole = runs.groupby(keys, sort=False).agg(
        seconds=("seconds", lambda v: v.sum(skipna=False)), memory=("memory", "max"), passes=("passes", "max")
    )
    uniform = whole.xs("Uniform", level="method").droplevel("variant") if "Uniform" in set(runs["method"]) else None
    costs = {}
    if uniform is not None:
        same = whole.droplevel(["method", "variant"]).index
        for key, column in (("time", "seconds"), ("memory", "memory")):
            ratio = whole[column].to_numpy() / uniform[column].reindex(same).to_numpy()
            costs["cost", key] = pd.Series(ratio, whole.index).groupby(level=ROW, sort=False).mean()
    costs["cost", "passes"] = whole["passes"].groupby(level=ROW, sort=False).max()
    return costs


def _weights(scores: pd.DataFrame, group: str) -> dict[tuple[str, str], pd.Series]:
    """Mean weight of every task in every multi-task row that has weights."""
    multi = scores[(scores["method"] != SINGLE_TASK) & scores["weight"].notna()]
    weights = multi.pivot_table(index=ROW, columns="task", values="weight", sort=False)
    return {(group, task): weights[task] for task in weights.columns}
