"""Tasks that no network of a table learns: the best score is that of a constant prediction."""

from collections.abc import Mapping

import pandas as pd

from mtl.report.names import ROW, notation
from mtl.report.numbers.grouped import grouped

MARGIN = 0.02  # of the constant's score


def unlearnt(scores: pd.DataFrame, floors: Mapping[str, Mapping[str, Mapping[str, float]]]) -> list[str]:
    """A note for every task in which the best network is less than 2 % better than the best constant prediction.

    Args:
        scores: Frame of our scores.
        floors: Task -> prediction -> metric -> value; a task without `constant` gets no note.
    """
    found = []
    for (task, metric), own in grouped(scores, ["task", "metric"]):
        constant = floors.get(task, {}).get("constant", {}).get(metric)
        if not constant:
            continue
        means, higher = own.groupby([*ROW], sort=False)["value"].mean(), own["higher_is_better"].iloc[0]
        best = means.max() if higher else means.min()
        if (best - constant) * (1 if higher else -1) < MARGIN * constant:
            name, unit, digits, _ = notation(task, metric)
            found.append(
                f"Not learnt by any network: {task}, {name} {best:.{digits}f} {unit} at best and {constant:.{digits}f} "
                "from a constant prediction. Its column compares nothing, and its share of Δm is noise."
            )
    return found
