"""The figure of an imbalance: whose gradient is how long, what AvgNorm does about it, and what that is worth."""

import io
from collections.abc import Sequence

import pandas as pd
from matplotlib.figure import Figure

from mtl.report.bars import draw_gains
from mtl.report.curves import curves, draw_curves, label_curves
from mtl.report.runs import Run
from mtl.report.style import QUIET, SIZE, styled

PLACES = {"features": "the shared features", "last_layer": "the last shared layer", "shared": "all shared parameters"}


def imbalance_figure(uniform: Sequence[Run], avgnorm: Sequence[Run], mean: pd.DataFrame, std: pd.DataFrame) -> bytes:
    """Gradient norms under Uniform and under AvgNorm, AvgNorm's weights, and the gains of all methods, as PNG.

    Args:
        uniform: Runs under Uniform, one per seed.
        avgnorm: Runs under AvgNorm, one per seed.
        mean: Means of the methods to compare, as `over_seeds` makes them.
        std: Their standard deviations.
    """
    with styled():
        figure = Figure(figsize=SIZE, layout="constrained")
        figure.get_layout_engine().set(w_pad=0.1, h_pad=0.1)
        (before, after), (weights, gains) = figure.subplots(2, 2)
        after.sharey(before)
        panels = {
            before: curves(uniform, "gradient/norm"),
            after: curves(avgnorm, "gradient/weighted_norm"),
            weights: curves(avgnorm, "weight"),
        }
        for axes, lines in panels.items():
            draw_curves(axes, lines, interlaced=axes is after)
        draw_gains(gains, mean, std)
        for axes, lines in panels.items():  # after all are drawn: a shared height moves the ends
            label_curves(axes, lines)
        before.set_title("Uniform: gradient norms")
        after.set_title("AvgNorm: weighted gradient norms")
        weights.set_title("AvgNorm: weights")
        gains.set_title("Gain over single-task, %")
        figure.supxlabel(_caption(uniform, avgnorm), fontsize=8.5, color=QUIET)
        png = io.BytesIO()
        figure.savefig(png, format="png")
    return png.getvalue()


def _caption(uniform: Sequence[Run], avgnorm: Sequence[Run]) -> str:
    config, seeds = uniform[0].config, sorted({run.seed for run in [*uniform, *avgnorm]})
    place = PLACES[uniform[0].record["gradient_statistics"]["scope"]]
    origin = f"{config['dataset']['name']}, {config['backbone']['name']}; gradients at {place}"
    if len(seeds) == 1:
        return f"{origin}; seed {seeds[0]}"
    return f"{origin}; {len(seeds)} seeds: geometric mean and range; whiskers: standard deviation"
