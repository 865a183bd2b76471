"""Numbers of a curve that claims speak of: its first and last window, and what they say over tasks.

A curve is a frame with a line for every seed and window and a column for every task or pair of tasks.
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
        MissingError: There is no second one to compare it with.
    """
    if (curve.groupby("seed").size() < 2).any():
        raise MissingError("a second window of the curves")
    return curve.groupby("seed").first()


def last(curve: pd.DataFrame) -> pd.DataFrame:
    """The last window of every seed."""
    return curve.groupby("seed").last()


def over_tasks(e: Evidence, setting: Setting, what: str, window: pd.DataFrame, summary: Summary) -> Quantity:
    """A number of every seed from those of its tasks or pairs."""
    values = {seed: float(summary(row)) for seed, row in zip(window.index, window.to_numpy(), strict=True)}
    return Quantity(values, e.name(setting), what, e.exact, form=".3g")


def each(e: Evidence, setting: Setting, what: str, window: pd.DataFrame) -> list[Quantity]:
    """A quantity for every task or pair."""
    return [
        Quantity(column.to_dict(), e.name(setting), f"{what} {name}", e.exact, form=".3g")
        for name, column in window.items()
    ]


def spread(values: np.ndarray) -> float:
    """Largest less smallest."""
    return np.ptp(values)


def ratio(values: np.ndarray) -> float:
    """Largest over smallest."""
    return values.max() / values.min() if values.min() > 0 else np.inf


def pair(curve: pd.DataFrame, one: str, other: str) -> str:
    """Name of the column of two tasks, whose order is that of the run.

    Raises:
        MissingError: There is none.
    """
    for name in (f"{one}-{other}", f"{other}-{one}"):
        if name in curve.columns:
            return name
    raise MissingError(f"the pair of {one} and {other}")


def needs_five_tasks(e: Evidence) -> None:
    """Refuses a claim about PASCAL's five tasks where others were trained."""
    known = set(e.curve(PASCAL, UNIFORM, "gradient/norm").columns)
    lacking = [task for task in ("semseg", "human_parts", "normals", "saliency", "edge") if task not in known]
    if lacking:
        raise MissingError(f"{' and '.join(lacking)} on {e.name(PASCAL)}")
