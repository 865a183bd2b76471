"""How much a task loses, as a share of what it loses if its gradient does not train the encoder at all (weight 0)."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from mtl.report.names import ROW, SETTING, SINGLE_TASK, notation
from mtl.report.numbers.grouped import grouped

LEAST = 0.02  # of the single-task score: a smaller loss is not shared out


def without_probes(scores: pd.DataFrame) -> pd.DataFrame:
    """The scores of networks in which every task has a weight: a probe is no method to compare."""
    return scores[~scores["source"].isin(scores.loc[scores["weight"] == 0, "source"])]


def starvation(scores: pd.DataFrame, methods: Sequence[str]) -> list[str]:
    """A note for every task with weight 0 in some row, its probe.

    If its score is less than 2 % worse than the single-task network's with any seed, no shares are given.

    Args:
        scores: Frame of our scores.
        methods: Methods whose loss is given as a share of the probe's.
    """
    multi = scores[scores["method"] != SINGLE_TASK]
    found = []
    for (*row, task), probe in grouped(multi[multi["weight"] == 0], [*ROW, "task"]):
        place = scores[(scores[SETTING] == row[: len(SETTING)]).all(axis=1) & (scores["task"] == task)]
        values = place[place["variant"] == ""].pivot_table(index="seed", columns="method", values="value")
        values["probe"] = probe.set_index("seed")["value"]
        values = values.dropna(subset=[SINGLE_TASK, "probe"]) if SINGLE_TASK in values else values.iloc[:0]
        if not len(values):
            continue
        sign = 1 if probe["higher_is_better"].iloc[0] else -1
        whole = sign * (values[SINGLE_TASK] - values["probe"])
        lost = {method: sign * (values[SINGLE_TASK] - values[method]) for method in methods if method in values}
        shares = [f"{method} loses {_percent(100 * part / whole)}" for method, part in lost.items()]
        name, unit, digits, _ = notation(task, probe["metric"].iloc[0])
        text = (
            f"Probe: with weight 0, {task} learns from an encoder that only the others train: {name} "
            f"{values['probe'].mean():.{digits}f} {unit} compared with {values[SINGLE_TASK].mean():.{digits}f} alone."
        )
        if (whole < LEAST * values[SINGLE_TASK]).any():
            text += " That is too little lost to say what share of it a method loses."
        elif shares:
            text += f" Of this loss, {', '.join(shares)}."
        found.append(text)
    return found


def _percent(shares: pd.Series) -> str:
    spread = f" ± {shares.std():.0f}" if len(shares) > 1 else ""
    return f"{np.mean(shares):.0f}{spread} %"
