"""Numbers of the training steps as lines: one per task, with a band where there are several seeds."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from mtl.report.runs import Run
from mtl.report.style import COLOURS, label_ends, log_axis

DASH = 3  # length in line widths


def curves(runs: Sequence[Run], key: str) -> dict[str, pd.DataFrame]:
    """Task -> columns mean, low and high over the seeds, by step.

    The mean is geometric, as suits a logarithmic axis; low and high are the smallest and the largest seed. Zeros,
    which such an axis cannot show, are gaps.

    Args:
        runs: One run per seed.
        key: What to read of `gradients.csv`, such as `gradient/norm`.
    """
    logs = [pd.read_csv(run.folder / "gradients.csv", index_col="step") for run in runs]
    lines = {}
    for task in runs[0].tasks:
        values = pd.concat([log[f"{key}/{task}"] for log in logs], axis=1, join="inner")  # a column per seed
        values = values.where(values > 0)
        mean = np.exp(np.log(values).mean(axis=1, skipna=False))
        lines[task] = pd.DataFrame({"mean": mean, "low": values.min(axis=1), "high": values.max(axis=1)})
    return lines


def draw_curves(axes: Axes, lines: dict[str, pd.DataFrame], interlaced: bool = False) -> None:
    """Draws the lines over a logarithmic height.

    Args:
        axes: Where to draw.
        lines: Result of `curves`.
        interlaced: Whether the lines may coincide: each is dashed in the gaps of the others, so all stay visible.
    """
    for place, (task, line) in enumerate(lines.items()):
        dashes = (place * DASH, (DASH, DASH * (len(lines) - 1))) if interlaced and len(lines) > 1 else "solid"
        axes.plot(line.index, line["mean"], color=COLOURS[task], linestyle=dashes)
        axes.fill_between(line.index, line["low"], line["high"], color=COLOURS[task], alpha=0.16, linewidth=0)
    log_axis(axes)
    axes.set_xlim(0, max(line.index[-1] for line in lines.values()))
    axes.set_xlabel("step")


def label_curves(axes: Axes, lines: dict[str, pd.DataFrame]) -> None:
    """Names the lines at their ends; the limits of the axes must be final."""
    label_ends(axes, {task: line["mean"].dropna().iloc[-1] for task, line in lines.items() if line["mean"].any()})
