"""Outcome and cost of a search over a weighter's hyper-parameters."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import pandas as pd

from mtl.report.names import ROW, Row, method_label, method_of, setting_of
from mtl.report.numbers.grouped import grouped
from mtl.report.read.record import step_time
from mtl.report.read.runs import Run
from mtl.report.read.scores import MEASURED

SEARCH_FREE = "avgnorm"  # reference that needs no search
GIVEN = "weights from the paper for NYUD-v2 (Table VI) and PASCAL-Context (Table VII); `make grid` searches them"


def outcome(
    scores: pd.DataFrame, deltas: pd.Series, best: Mapping[Row, str], searched: str, runs: Sequence[Run]
) -> list[str]:
    """Notes on the weights with the best mean Delta_m, and the hours of the search compared with AvgNorm.

    Args:
        scores: Frame of our scores.
        deltas: Mean Delta_m by row, as reported.
        best: Result of `best_variants`.
        searched: Name of the weighter's config.
        runs: The finished runs of the search and of AvgNorm.
    """
    method = method_label(searched)
    row = next((row for row in best if row[-1] == method), None)
    if row is None:
        return [f"{method}: no result yet; Delta_m also needs the single-task networks."]
    trials, single = (
        [run for run in runs if run.weighter == name and len(run.tasks) > 1] for name in (searched, SEARCH_FREE)
    )
    chosen = scores[(scores["variant"] == best[row]) & (scores["method"] == method)].drop_duplicates("task")
    weights = ",".join(f"{task.task}:{task.weight:g}" for task in chosen.itertuples())
    words = f"weighter={searched} 'weighter.method.weights={{{weights}}}'"
    count, (choosing, reported) = deltas.xs(row, level=tuple(ROW[:-1])).count(), images(scores)
    lines = [f"Best of {count} on {choosing}: {words}, Δm {deltas[(*row, best[row])]:+.2f} %{reported}."]
    if trials and (theirs := hours(single)):
        ours, free = hours(trials), method_label(SEARCH_FREE)
        other = deltas.xs(free, level="method").mean()
        alike = len(scores[scores["method"].isin([method, free])][MEASURED].drop_duplicates()) == 1
        times = f"{ours / theirs:.3g} times that of" if alike else "measured in another way than"
        lines.append(
            f"Cost: {len(trials)} runs, {ours:.3g} hours of training steps, {times} {free} "
            f"({theirs:.3g} hours, runs: {len(single)}, Δm {other:+.2f} %)."
        )
    return lines


def judging(scores: pd.DataFrame) -> pd.DataFrame:
    """The scores with the values that choose: those on validation images, or as reported without a test split."""
    return scores.assign(value=scores["validation"].astype(float).fillna(scores["value"]))


def images(scores: pd.DataFrame) -> tuple[str, str]:
    """Names the images on which a search chooses, and those of the reported Delta_m if they are others."""
    if scores["validation"].notna().any():
        return "the validation images", " on the test images"
    return "the reported images", ""


def best_variants(deltas: pd.Series, methods: Collection[str]) -> dict[Row, str]:
    """Setting and method of each search -> the variant with the highest mean Delta_m; the default wins a tie.

    The mean is over the seeds that all variants of the search have, if there are any.

    Args:
        deltas: Delta_m by row and seed, of the scores that choose; NaN if unknown.
        methods: Display names of the searched methods.
    """
    known, best = deltas[deltas.index.get_level_values("method").isin(methods)].dropna(), {}
    for row, own in grouped(known, ROW[:-1]):
        by_seed = own.droplevel([*ROW[:-1]]).unstack("variant")
        common = by_seed.dropna()
        best[row] = (common if len(common) else by_seed).mean().idxmax()
    return best


def rows_to_show(rows: Sequence[Row], best: Mapping[Row, str], methods: Collection[str]) -> list[Row]:
    """The rows of a table; for a search only its default and, below it, its best variant."""
    order = [row[:-1] for row in rows]
    shown = [row for row in rows if row[-2] not in methods or row[-1] in ("", best.get(row[:-1]))]
    return sorted(shown, key=lambda row: order.index(row[:-1]))


def choices(
    scores: pd.DataFrame,
    deltas: pd.Series,
    best: Mapping[Row, str],
    keys: Mapping[str, str],
    runs: Sequence[Run],
    names: Mapping[str, str],
) -> list[str]:
    """Notes on each search: the values tried, the best one, the default for comparison, and the cost.

    Args:
        scores: Frame of our scores.
        deltas: Mean Delta_m by row, as reported.
        best: Result of `best_variants`.
        keys: Display name of a method -> the hyper-parameter that was searched.
        runs: Finished runs.
        names: Run folder without the seed -> its variant.
    """
    lines, (choosing, reported) = [], images(scores)
    for (*setting, method), variant in best.items():
        if method not in keys:
            continue
        trials = [run for run in runs if (*setting_of(run.config), method_of(run.config)) == (*setting, method)]
        tried = {names[run.folder.parent.name]: run.config["weighter"]["method"][keys[method]] for run in trials}
        default = deltas.get((*setting, method, ""))
        reference = f" (default {tried['']:g}: {default:+.2f} %)" if variant and pd.notna(default) else ""
        place = ", ".join(word for word in setting[1:] if word)
        values = ", ".join(f"{value:g}" for value in sorted(tried.values()))
        lines.append(
            f"{method} ({place}): {keys[method]} {tried[variant]:g} has the best Δm of {values} on {choosing}: "
            f"{deltas[(*setting, method, variant)]:+.2f} %{reported}{reference}. "
            f"Cost: {len(trials)} runs, {hours(trials):.3g} hours of training steps."
        )
    return lines


def given(rows: Sequence[Row], plan: Mapping[str, Any]) -> list[str]:
    """A note on where the weights are from, if a table has Grid Search but the plan does not search."""
    is_there = any(row[-2] == method_label("grid_search") for row in rows)
    return [f"Grid Search: {plan.get('weights_from', GIVEN)}."] * (is_there and "search" not in plan)


def hours(runs: Sequence[Run]) -> float:
    """Hours of training steps, without evaluations: wall time on a GPU, CPU time otherwise."""
    times = [step_time(run.record["environment"]["device"], run.record) or 0 for run in runs]
    return sum(time * run.record["steps"] for time, run in zip(times, runs, strict=True)) / 3600
