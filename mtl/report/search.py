"""The end of a search over a weighter's hyper-parameters: what it has found, and at what cost."""

from collections.abc import Sequence

import pandas as pd

from mtl.report.names import method_label
from mtl.report.runs import Run

BESIDE = "avgnorm"  # what needs no search


def outcome(results: pd.DataFrame, table: pd.DataFrame, searched: str, runs: Sequence[Run]) -> list[str]:
    """Lines for people: the setting with the best mean Delta_m, and the hours of the search beside AvgNorm's.

    Args:
        results: Frame of our results.
        table: Result of `reproduction.sheet`.
        searched: Name of the weighter's config.
        runs: The finished runs of the search and beside it.
    """
    method = method_label(searched)
    found = table["ours", "delta_m"].xs(method, level="method", drop_level=False).dropna()
    if not len(found):
        return [f"{method}: nothing to choose from yet; Delta_m needs the single-task networks too."]
    best = found.idxmax()
    trials, beside = (
        [run for run in runs if run.weighter == name and len(run.tasks) > 1] for name in (searched, BESIDE)
    )
    chosen = results[(results["variant"] == best[-1]) & (results["method"] == method)].drop_duplicates("task")
    weights = ",".join(f"{row.task}:{row.weight:g}" for row in chosen.itertuples())
    words = f"weighter={searched} 'weighter.method.weights={{{weights}}}'"
    lines = [f"Chosen of {len(found)}: {words}, Δm {found.max():+.2f} %."]
    if trials and (theirs := hours(beside)):
        ours = hours(trials)
        other = table["ours", "delta_m"].xs(method_label(BESIDE), level="method").mean()
        lines.append(
            f"Cost: {len(trials)} runs, {ours:.3g} hours of training steps; {method_label(BESIDE)} {len(beside)}, "
            f"{theirs:.3g} hours ({ours / theirs:.3g} times less), Δm {other:+.2f} %."
        )
    return lines


def hours(runs: Sequence[Run]) -> float:
    """Hours of training steps, evaluations not counted."""
    return sum((run.record["step_seconds"] or 0) * run.record["steps"] for run in runs) / 3600
