"""Formats floors and ceilings of the scores, to hold the rows of a table against."""

from collections.abc import Mapping

from tabulate import tabulate

from mtl.report.names import notation
from mtl.report.render.text import Metrics


def scale(floors: Mapping[str, Mapping[str, Mapping[str, float]]], metrics: Metrics, form: str) -> str:
    """A table with a row per prediction that no network made and a column per task.

    Args:
        floors: Task -> prediction -> metric -> value.
        metrics: Primary metric of each task.
        form: As for `render.text.blocks`.
    """
    rows = list(dict.fromkeys(name for task in metrics for name in floors.get(task, {})))
    titles = [notation(task, metric) for task, (metric, _) in metrics.items()]
    heads = [f"{task} {title.name} {title.unit}".rstrip() for task, title in zip(metrics, titles, strict=True)]
    cells = [
        [
            f"{found[metric]:.{title.digits}f}" if (found := floors.get(task, {}).get(name)) else ""
            for (task, (metric, _)), title in zip(metrics.items(), titles, strict=True)
        ]
        for name in rows
    ]
    lines = [[name, *row] for name, row in zip(rows, cells, strict=True)]
    aligned = ["left", *["right"] * len(heads)]
    return tabulate(lines, ["prediction", *heads], tablefmt=form, disable_numparse=True, colalign=aligned)
