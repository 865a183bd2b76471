"""Formats learning curves as a table that shows whether the networks still improve."""

import pandas as pd

from mtl.report.names import heading, notation
from mtl.report.render.style import signed
from mtl.report.render.text import markdown_table

TITLE = "## Validation scores during training"
LATE = 0.75  # the last column shows what has changed since this share of the steps
NOTE = "Means over seeds. Last column: relative change of the score since that step; positive is better."


def learning_section(curves: pd.DataFrame, figure: str) -> list[str]:
    """The section of the Markdown page.

    Args:
        curves: Result of `learning_curves`.
        figure: Path of the figure, relative to the page.
    """
    return [TITLE, learning_table(curves), NOTE, f"![Validation scores during training]({figure})"]


def learning_table(curves: pd.DataFrame) -> str:
    """A Markdown table with a row per method and task and a column per evaluation.

    Args:
        curves: Result of `learning_curves`.
    """
    steps = sorted(curves["step"].unique())
    late = max((step for step in steps[:-1] if step <= LATE * steps[-1]), default=None)
    rows = []
    for _, own in curves.groupby(["method", "task"], sort=False):
        method, task, metric, higher = own[["method", "task", "metric", "higher_is_better"]].iloc[0]
        means = own.groupby("step")["value"].mean().reindex(steps)
        digits = notation(task, metric).digits
        rows.append(
            [method, heading(task, metric, higher), *("" if pd.isna(mean) else f"{mean:.{digits}f}" for mean in means)]
        )
        if late is not None:
            change = 100 * (means.iloc[-1] / means[late] - 1) * (1 if higher else -1)
            rows[-1].append("" if pd.isna(change) else f"{signed(change, 1)} %")
    heads = ["method", "after step", *(f"{step:,}" for step in steps)]
    return markdown_table(heads if late is None else [*heads, f"since {late:,}"], rows)
