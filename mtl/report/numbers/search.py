"""The end of a search over a weighter's hyper-parameters: what it has found, and at what cost."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import pandas as pd

from mtl.report.names import ROW, Row, method_label, method_of, setting_of
from mtl.report.read.runs import Run

BESIDE = "avgnorm"  # what needs no search
GIVEN = (
    "Grid Search: the weights that the paper found for NYUD-v2 (Table VI) and PASCAL-Context (Table VII), "
    "not searched here (make grid)."
)


def outcome(scores: pd.DataFrame, table: pd.DataFrame, searched: str, runs: Sequence[Run]) -> list[str]:
    """Lines for people: the setting with the best mean Delta_m, and the hours of the search next to AvgNorm's.

    Args:
        scores: Frame of our scores.
        table: Result of `numbers.table.table_of`.
        searched: Name of the weighter's config.
        runs: The finished runs of the search and of AvgNorm.
    """
    method = method_label(searched)
    found = table["ours", "delta_m"].xs(method, level="method", drop_level=False).dropna()
    if not len(found):
        return [f"{method}: nothing to choose from yet; Delta_m needs the single-task networks too."]
    best = found.idxmax()
    trials, single = (
        [run for run in runs if run.weighter == name and len(run.tasks) > 1] for name in (searched, BESIDE)
    )
    chosen = scores[(scores["variant"] == best[-1]) & (scores["method"] == method)].drop_duplicates("task")
    weights = ",".join(f"{row.task}:{row.weight:g}" for row in chosen.itertuples())
    words = f"weighter={searched} 'weighter.method.weights={{{weights}}}'"
    lines = [f"Chosen of {len(found)}: {words}, Δm {found.max():+.2f} %."]
    if trials and (theirs := hours(single)):
        ours = hours(trials)
        other = table["ours", "delta_m"].xs(method_label(BESIDE), level="method").mean()
        lines.append(
            f"Cost: {len(trials)} runs, {ours:.3g} hours of training steps; {method_label(BESIDE)} {len(single)}, "
            f"{theirs:.3g} hours ({ours / theirs:.3g} times less), Δm {other:+.2f} %."
        )
    return lines


def best_variants(deltas: pd.Series, methods: Collection[str]) -> dict[Row, str]:
    """Setting and method of each search -> its variant with the highest Delta_m; the first one where several have it.

    Args:
        deltas: Mean Delta_m by row; NaN where it is not known.
        methods: Names in print of the methods that were searched.
    """
    known = deltas[deltas.index.get_level_values("method").isin(methods)].dropna()
    return {row[:-1]: row[-1] for row in known.groupby(level=ROW[:-1], sort=False).idxmax()}


def rows_to_show(rows: Sequence[Row], best: Mapping[Row, str], methods: Collection[str]) -> list[Row]:
    """The rows of a table; of a search its default and, below it, its best, as `best_variants` has them."""
    order = [row[:-1] for row in rows]
    shown = [row for row in rows if row[-2] not in methods or row[-1] in ("", best.get(row[:-1]))]
    return sorted(shown, key=lambda row: order.index(row[:-1]))


def choices(
    deltas: pd.Series, best: Mapping[Row, str], keys: Mapping[str, str], runs: Sequence[Run], names: Mapping[str, str]
) -> list[str]:
    """Lines for people: what each search has tried and chosen, what the default is worth, and the hours that it took.

    Args:
        deltas: As for `best_variants`.
        best: What `best_variants` has found.
        keys: Name in print of a method -> its hyper-parameter that was searched.
        runs: Finished runs.
        names: Name of a run's folder without the seed -> its variant.
    """
    lines = []
    for (*setting, method), variant in best.items():
        trials = [run for run in runs if (*setting_of(run.config), method_of(run.config)) == (*setting, method)]
        tried = {names[run.folder.parent.name]: run.config["weighter"]["method"][keys[method]] for run in trials}
        default = deltas.get((*setting, method, ""))
        beside = f" (default {tried['']:g}: {default:+.2f} %)" if variant and pd.notna(default) else ""
        place, values = ", ".join(word for word in setting[1:] if word), sorted(tried.values())
        lines.append(
            f"{method} ({place}): {keys[method]} {tried[variant]:g} has the best Δm of "
            f"{', '.join(f'{value:g}' for value in values)}: {deltas[(*setting, method, variant)]:+.2f} %{beside}. "
            f"Cost: {len(trials)} runs, {hours(trials):.3g} hours of training steps."
        )
    return lines


def given(rows: Sequence[Row], plan: Mapping[str, Any]) -> list[str]:
    """A line for people where a table has Grid Search but the plan searches no weights: they are the paper's."""
    is_there = any(row[-2] == method_label("grid_search") for row in rows)
    return [GIVEN] * (is_there and "search" not in plan)


def hours(runs: Sequence[Run]) -> float:
    """Hours of training steps, evaluations not counted."""
    return sum((run.record["step_seconds"] or 0) * run.record["steps"] for run in runs) / 3600
