"""Gains over single-task networks, M_i and Delta_m, and whose networks they are over."""

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd

from mtl.metrics.delta_m import task_gain
from mtl.report.names import ROW, SETTING, SINGLE_TASK, Row, Setting

Baseline = Callable[[Setting], Setting]  # the setting whose single-task networks a setting is compared with


def published_baseline(setting: Setting) -> Setting:
    """The setting whose single-task networks the paper divides by.

    Found by recomputing every printed Delta_m: the vanilla networks for MTAN (and MTI-Net and InvPT in Fig. 4), those
    of ImageNet-1K for every initialisation, and those of the whole clean split for Table V, where all are InvPT.
    """
    initialization = "ImageNet-1K" if setting.initialization else ""
    architecture = setting.architecture if setting.dataset == "Replica" else "Vanilla"
    return setting._replace(architecture=architecture, initialization=initialization, operation="")


def own_baseline(setting: Setting) -> Setting:
    """The setting itself: what sharing a network costs, whatever the architecture is worth."""
    return setting


def chosen_baseline(rows: Sequence[Row]) -> Baseline:
    """The paper's choice where its single-task networks are among the rows, else the setting of the first row."""
    known = {row[:-2] for row in rows if row[-2] == SINGLE_TASK}

    def baseline(setting: Setting) -> Setting:
        chosen = published_baseline(setting)
        return chosen if tuple(chosen) in known else Setting(*rows[0][:-2])

    return baseline


def with_gains(scores: pd.DataFrame, baseline: Baseline = published_baseline, column: str = "value") -> pd.DataFrame:
    """The scores with a column `gain`: M_i over the single-task network of the same seed, in percent.

    It is NaN where there is no such network, or where it has scored 0.

    Args:
        scores: Frame of scores.
        baseline: The setting to divide by.
        column: What gains are of: `value` or `last`.
    """
    single = scores[scores["method"] == SINGLE_TASK].drop_duplicates([*SETTING, "seed", "task"])
    known = single.set_index([*SETTING, "seed", "task"])[column].to_dict()

    def gain(row: pd.Series) -> float:
        reference = known.get((*baseline(Setting(*row[SETTING])), row["seed"], row["task"]), np.nan)
        return task_gain(row[column], reference, row["higher_is_better"]) if abs(reference) > 0 else np.nan

    return scores.assign(gain=scores.apply(gain, axis=1) if len(scores) else [])


def delta_by_seed(scores: pd.DataFrame) -> pd.Series:
    """Delta_m of every method, mean over tasks of `gain`, in percent; NaN where a gain is missing.

    Returns:
        By setting, method, variant and seed.
    """
    groups = scores.groupby([*ROW, "seed"], sort=False)["gain"]
    return groups.agg(lambda gains: gains.mean(skipna=False))


def mean_deltas(scores: pd.DataFrame, baseline: Baseline) -> pd.Series:
    """Mean Delta_m over seeds of every row, in percent."""
    return delta_by_seed(with_gains(scores, baseline)).groupby(level=ROW, sort=False).mean()
