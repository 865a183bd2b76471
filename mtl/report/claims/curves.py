"""Reads numbers off curves: first and last window, and statistics over tasks.

A curve is a frame with a row per seed and window and a column per task or pair of tasks.
"""

from collections.abc import Callable

import numpy as np
import pandas as pd

from mtl.report.claims.evidence import Evidence
from mtl.report.claims.quantity import MissingError, Quantity
from mtl.report.claims.settings import PASCAL, UNIFORM
from mtl.report.names import Setting

Summary = Callable[[np.ndarray], float]  # over tasks or pairs


def first(curve: pd.DataFrame) -> pd.DataFrame:
    """The first window of every seed.

    Raises:
        MissingError: A seed has only one window.
    """
    if (curve.groupby("seed").size() < 2).any():
        raise MissingError("a second window of the curves")
    return curve.groupby("seed").first()


def last(curve: pd.DataFrame) -> pd.DataFrame:
    """The last window of every seed."""
    return curve.groupby("seed").last()


def over_tasks(e: Evidence, setting: Setting, what: str, window: pd.DataFrame, summary: Summary) -> Quantity:
    """Reduces the tasks or pairs of every seed to one number."""
    values = {seed: float(summary(row)) for seed, row in zip(window.index, window.to_numpy(), strict=True)}
    return Quantity(values, e.name(setting), what, e.exact, form=".3g")


def each(e: Evidence, setting: Setting, what: str, window: pd.DataFrame) -> list[Quantity]:
    """One quantity per task or pair."""
    return [
        Quantity(dict(zip(window.index, column, strict=True)), e.name(setting), f"{what} {name}", e.exact, form=".3g")
        for name, column in window.items()
    ]


def spread(values: np.ndarray) -> float:
    """Maximum minus minimum."""
    return np.ptp(values)


def ratio(values: np.ndarray) -> float:
    """Maximum over minimum; infinite if the minimum is not positive."""
    return values.max() / values.min() if values.min() > 0 else np.inf


def pair(curve: pd.DataFrame, one: str, other: str) -> str:
    """Column name of a pair of tasks, in either order.

    Raises:
        MissingError: There is no such column.
    """
    for name in (f"{one}-{other}", f"{other}-{one}"):
        if name in curve.columns:
            return name
    raise MissingError(f"the pair of {one} and {other}")


def needs_five_tasks(e: Evidence) -> None:
    """Raises MissingError if not all five tasks of PASCAL-Context were trained."""
    known = set(e.curve(PASCAL, UNIFORM, "gradient/norm").columns)
    lacking = [task for task in ("semseg", "human_parts", "normals", "saliency", "edge") if task not in known]
    if lacking:
        raise MissingError(f"{' and '.join(lacking)} on {e.name(PASCAL)}")
