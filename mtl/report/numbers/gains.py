"""Gains over single-task networks, M_i and Delta_m, and the choice of those networks."""

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd

from mtl.delta_m import task_gain
from mtl.report.names import ROW, SETTING, SINGLE_TASK, Row, Setting

Baseline = Callable[[Setting], Setting]  # setting -> setting of the single-task networks it is compared with


def published_baseline(setting: Setting) -> Setting:
    """The setting whose single-task networks are the paper's baseline.

    Inferred by recomputing every printed Delta_m: vanilla networks for MTAN (and for MTI-Net and InvPT in Fig. 4),
    ImageNet-1K for every initialisation, and the full clean split for Table V, where all networks are InvPT.
    """
    initialization = "ImageNet-1K" if setting.initialization else ""
    architecture = setting.architecture if setting.dataset == "Replica" else "Vanilla"
    return setting._replace(architecture=architecture, initialization=initialization, operation="")


def own_baseline(setting: Setting) -> Setting:
    """The setting itself: isolates the cost of sharing from the effect of the architecture."""
    return setting


def chosen_baseline(rows: Sequence[Row]) -> Baseline:
    """The paper's baseline if its single-task networks are among the rows, else the setting of the first row."""
    known = {row[:-2] for row in rows if row[-2] == SINGLE_TASK}

    def baseline(setting: Setting) -> Setting:
        chosen = published_baseline(setting)
        return chosen if tuple(chosen) in known else Setting(*rows[0][:-2])

    return baseline


def with_gains(scores: pd.DataFrame, baseline: Baseline = published_baseline, column: str = "value") -> pd.DataFrame:
    """Adds a column `gain`: M_i over the single-task network of the same seed, in percent.

    It is NaN if there is no such network or its score is 0.

    Args:
        scores: Frame of scores.
        baseline: Chooses the setting of the single-task networks.
        column: Score to compare: `value` or `last`.
    """
    single = scores[scores["method"] == SINGLE_TASK].drop_duplicates([*SETTING, "seed", "task"])
    known = single.set_index([*SETTING, "seed", "task"])[column].to_dict()

    def gain(row: pd.Series) -> float:
        reference = known.get((*baseline(Setting(*row[SETTING])), row["seed"], row["task"]), np.nan)
        return task_gain(row[column], reference, row["higher_is_better"]) if abs(reference) > 0 else np.nan

    return scores.assign(gain=scores.apply(gain, axis=1) if len(scores) else [])


def delta_by_seed(scores: pd.DataFrame) -> pd.Series:
    """Delta_m of every method: mean of `gain` over tasks, in percent; NaN if a gain is missing.

    Returns:
        Indexed by setting, method, variant and seed.
    """
    groups = scores.groupby([*ROW, "seed"], sort=False)["gain"]
    return groups.agg(lambda gains: gains.mean(skipna=False))


def mean_deltas(scores: pd.DataFrame, baseline: Baseline) -> pd.Series:
    """Delta_m of every row, mean over seeds, in percent."""
    return delta_by_seed(with_gains(scores, baseline)).groupby(level=ROW, sort=False).mean()
