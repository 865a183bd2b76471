"""Imbalance figure: gradient norms of the tasks, AvgNorm's weights, and the gains of all methods."""

import io
import math
from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

from mtl.report.numbers.gains import delta_by_seed
from mtl.report.read.curves import log_of
from mtl.report.read.runs import Run
from mtl.report.render.style import COLOURS, QUIET, SIZE, label_ends, log_axis, signed, styled

PLACES = {"features": "the shared features", "last_layer": "the last shared layer", "shared": "all shared parameters"}
DASH = 3  # length, in line widths
GROUP = 0.84  # width of a group of bars; groups are 1 apart


def imbalance_figure(runs: Sequence[Run], scores: pd.DataFrame) -> bytes | None:
    """Draws gradient norms under Uniform and AvgNorm, AvgNorm's weights, and all gains, as PNG.

    Args:
        runs: Finished runs.
        scores: Scores of the multi-task networks to compare, with gains.

    Returns:
        PNG, or None if there is no run with Uniform or none with AvgNorm, or no log of them.
    """
    uniform, avgnorm = (
        [run for run in runs if run.weighter == name and len(run.tasks) > 1] for name in ("uniform", "avgnorm")
    )
    if not (uniform and avgnorm):
        return None
    found = [curves(uniform, "gradient/norm"), curves(avgnorm, "gradient/weighted_norm"), curves(avgnorm, "weight")]
    if not all(found):
        return None
    with styled():
        figure = Figure(figsize=SIZE, layout=ConstrainedLayoutEngine(w_pad=0.1, h_pad=0.1))
        (before, after), (weights, gains) = figure.subplots(2, 2)
        after.sharey(before)
        panels = dict(zip((before, after, weights), found, strict=True))
        for axes, lines in panels.items():
            draw_curves(axes, lines, interlaced=axes is after)
        draw_gains(gains, scores)
        for axes, lines in panels.items():  # after all are drawn: a shared y-axis moves the ends
            label_ends(
                axes, {task: line["mean"].dropna().iloc[-1] for task, line in lines.items() if line["mean"].any()}
            )
        before.set_title("Uniform: gradient norms")
        after.set_title("AvgNorm: weighted gradient norms")
        weights.set_title("AvgNorm: weights")
        gains.set_title("Gain over single-task, %")
        figure.supxlabel(_caption([*uniform, *avgnorm]), fontsize=8.5, color=QUIET)
        png = io.BytesIO()
        figure.savefig(png, format="png")
    return png.getvalue()


def curves(runs: Sequence[Run], key: str) -> dict[str, pd.DataFrame]:
    """Task -> columns mean, low and high over the seeds, by step.

    The mean is geometric, to suit a logarithmic axis; low and high are minimum and maximum. Zeros become gaps.

    Args:
        runs: One run per seed.
        key: Quantity in the log, such as `gradient/norm`.
    """
    wanted = [f"{key}/{task}" for task in runs[0].tasks]
    found = [log_of(run, wanted) for run in runs]
    logs = [log.set_index("step") for log in found if log is not None]
    lines = {}
    for task in runs[0].tasks if logs else []:
        values = pd.concat([log[f"{key}/{task}"] for log in logs], axis=1, join="inner")  # a column per seed
        values = values.where(values > 0)
        mean = np.exp(values.transform(np.log).mean(axis=1, skipna=False))
        lines[task] = pd.DataFrame({"mean": mean, "low": values.min(axis=1), "high": values.max(axis=1)})
    return lines


def draw_curves(axes: Axes, lines: dict[str, pd.DataFrame], interlaced: bool = False) -> None:
    """Draws the lines on a logarithmic y-axis.

    Args:
        axes: Axes to draw on.
        lines: Result of `curves`.
        interlaced: Whether lines may coincide: each is dashed in the gaps of the others, so that all are visible.
    """
    for place, (task, line) in enumerate(lines.items()):
        dashes = (place * DASH, (DASH, DASH * (len(lines) - 1))) if interlaced and len(lines) > 1 else "solid"
        axes.plot(line.index, line["mean"], color=COLOURS[task], linestyle=dashes)
        axes.fill_between(line.index, line["low"], line["high"], color=COLOURS[task], alpha=0.16, linewidth=0)
    log_axis(axes)
    axes.set_xlim(0, max(line.index[-1] for line in lines.values()))
    axes.set_xlabel("step")


def draw_gains(axes: Axes, scores: pd.DataFrame) -> None:
    """Draws the gains M_i as bars, grouped by method, with whiskers for the standard deviation over seeds.

    Args:
        axes: Axes to draw on.
        scores: Scores of multi-task networks, with gains.
    """
    tasks, methods = (list(dict.fromkeys(scores[key])) for key in ("task", "method"))
    by_cell = scores.groupby(["method", "task"])["gain"]
    mean, std = (by_cell.agg(lambda v, f=f: getattr(v, f)(skipna=False)) for f in ("mean", "std"))
    deltas = delta_by_seed(scores).groupby(level="method").agg(lambda v: v.mean(skipna=False))
    width = GROUP / len(tasks)
    for place, task in enumerate(tasks):
        for group, method in enumerate(methods):
            x = group - GROUP / 2 + (place + 0.5) * width
            _bar(axes, x, 0.92 * width, mean[method, task], std[method, task], COLOURS[task])
    axes.axhline(0, color=QUIET, linewidth=0.8)
    axes.margins(y=0.1)
    axes.set_xticks(range(len(methods)), [_name(method, deltas[method]) for method in methods])
    axes.tick_params(axis="x", length=0, labelcolor="black")


def _bar(axes: Axes, x: float, width: float, height: float, std: float, colour: str) -> None:
    """Draws a bar with a whisker and its rounded value beyond it; nothing if the value is NaN."""
    if math.isnan(height):
        return
    whisker = 0.0 if math.isnan(std) else std
    axes.bar(x, height, width, color=colour, yerr=whisker or None, error_kw={"ecolor": QUIET, "elinewidth": 1})
    side = math.copysign(1, height)
    axes.annotate(
        signed(height, 0).removeprefix("+"),  # shorter, as labels of neighbours must not touch
        xy=(x, height + side * whisker),
        xytext=(0, side * 2),
        textcoords="offset points",
        ha="center",
        va="bottom" if side > 0 else "top",
        fontsize=7.5,
        color=colour,
        weight="bold",
    )


def _name(method: str, delta: float) -> str:
    return method if math.isnan(delta) else f"{method}\nΔm {signed(delta, 1)} %"


def _caption(runs: Sequence[Run]) -> str:
    config, seeds = runs[0].config, sorted({run.seed for run in runs})
    place = PLACES[runs[0].record["gradient_statistics"]["scope"]]
    origin = f"{config['dataset']['name']}, {config['backbone']['name']}; gradients at {place}"
    if len(seeds) == 1:
        return f"{origin}; seed {seeds[0]}"
    return f"{origin}; {len(seeds)} seeds: geometric mean and range; whiskers: standard deviation"
