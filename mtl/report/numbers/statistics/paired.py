"""Compares every method with a reference in pairs of one seed, and says what such a comparison can find.

Holm, A Simple Sequentially Rejective Multiple Test Procedure, Scandinavian Journal of Statistics, 1979.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy.optimize import root_scalar
from scipy.stats import nct, t

from mtl.report.names import ROW, SINGLE_TASK
from mtl.report.numbers.table import LEVEL

POWER = 0.8
COLUMNS = [*ROW, "reference", "quantity", "seeds", "difference", "std", "low", "high", "p", "holm"]


def gains_by_seed(scores: pd.DataFrame) -> pd.DataFrame:
    """M_i of every task and Delta_m, in percent, by row and seed; NaN if unknown.

    Args:
        scores: Frame of scores, with gains.
    """
    tasks = list(dict.fromkeys(scores["task"]))
    wide = scores.pivot_table(index=[*ROW, "seed"], columns="task", values="gain", sort=False).reindex(columns=tasks)
    return wide.assign(delta_m=wide.mean(axis=1, skipna=False))


def compared(gains: pd.DataFrame, reference: str) -> pd.DataFrame:
    """Paired t-tests of every multi-task row against a reference with the same setting and seed.

    Args:
        gains: Result of `gains_by_seed`.
        reference: A method, with its default hyper-parameters; Single-task: all gains are compared with 0.

    Returns:
        One line per row and quantity (a task or delta_m): number of seeds; mean of the differences in points, their
        sample standard deviation, and the 95 % t interval of the mean; p value, and p after Holm's correction over all
        rows of the table. NaN with one seed.
    """
    methods, variants = (gains.index.get_level_values(level) for level in ("method", "variant"))
    differences = gains[methods != SINGLE_TASK]
    if reference != SINGLE_TASK:
        own = gains[(methods == reference) & (variants == "")].droplevel(["method", "variant"])
        differences = differences.drop(gains.index[(methods == reference) & (variants == "")])
        places = differences.droplevel(["method", "variant"]).index
        differences = differences - own.reindex(places).to_numpy()
    lines = [
        dict(zip(ROW, row, strict=True)) | {"reference": reference, "quantity": key} | paired_test(values.dropna())
        for row, block in differences.groupby(level=ROW, sort=False)
        for key, values in block.items()
    ]
    found = pd.DataFrame(lines, columns=COLUMNS)
    return found.assign(holm=found.groupby("quantity")["p"].transform(holm))


def paired_test(differences: Sequence[float] | pd.Series) -> dict[str, float]:
    """Mean of paired differences, its 95 % interval, and the p value of the two-sided t-test against 0.

    Args:
        differences: One per seed.
    """
    count, mean = len(differences), float(np.mean(differences)) if len(differences) else np.nan
    if count < 2:
        return {"seeds": count, "difference": mean}
    std = float(np.std(differences, ddof=1))
    error, freedom = std / np.sqrt(count), count - 1
    half = float(t.ppf(1 - LEVEL / 2, freedom) * error)
    p = float(2 * t.sf(abs(mean) / error, freedom) if error > 0 else mean == 0)
    return {"seeds": count, "difference": mean, "std": std, "low": mean - half, "high": mean + half, "p": p}


def holm(p: pd.Series) -> pd.Series:
    """Holm's adjusted p values, at most 1; a NaN is not part of the family.

    The i-th smallest of m is multiplied by m - i + 1, and is at least as large as the one before.
    """
    known = p.dropna().sort_values(kind="stable")
    return (known * np.arange(len(known), 0, -1)).cummax().clip(upper=1).reindex(p.index)


def power(effect: float, seeds: int, level: float = LEVEL) -> float:
    """Probability that the two-sided paired t-test finds a true difference, with the right sign.

    Args:
        effect: The true difference over the standard deviation of the differences; positive.
        seeds: Number of pairs, at least 2.
        level: Level of the test.
    """
    return float(nct.sf(t.ppf(1 - level / 2, seeds - 1), seeds - 1, effect * np.sqrt(seeds)))


def detectable(std: float, seeds: int, level: float = LEVEL) -> float:
    """The smallest true difference that the two-sided paired t-test finds with a probability of 80 %.

    Args:
        std: Standard deviation of the differences.
        seeds: Number of pairs, at least 2.
        level: Level of the test.
    """
    most = 3 * t.ppf(1 - level / 2, seeds - 1) / np.sqrt(seeds)
    return std * root_scalar(lambda effect: power(effect, seeds, level) - POWER, bracket=(0, most)).root
