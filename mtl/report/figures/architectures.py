"""Figure 4: gains of architectures over vanilla single-task networks."""

import textwrap
from collections.abc import Sequence

import pandas as pd
from matplotlib.figure import Figure

from mtl.report.figures.radar import Polygon, Radar, draw_radars, polygon
from mtl.report.figures.sources import MissingRunsError, Sources, origins
from mtl.report.names import SINGLE_TASK, Setting
from mtl.report.render.style import signed

MODELS = {"ResNet-18": "MTAN", "HRNet-18": "MTI-Net", "ViT-T/16": "InvPT"}  # backbone -> architecture
VANILLA = "Vanilla"
VANILLA_LOOK = {"color": "#0072B2", "linestyle": "--", "marker": "s"}
LOOKS = {  # by method of an architecture
    SINGLE_TASK: {"color": "#E69F00", "linestyle": "-", "marker": "o"},
    "Uniform": {"color": "#009E73", "linestyle": "--", "marker": "^"},
    "Grid Search": {"color": "#AA3377", "linestyle": ":", "marker": "D"},
}
TEXT = 34  # characters per line


def draw_architectures(sources: Sources, datasets: Sequence[str]) -> Figure:
    """Draws a radar per model, with a row for the paper's numbers and a row for ours on each dataset.

    A panel whose numbers the paper gives only in running text shows them as text.

    Raises:
        MissingRunsError: There are no numbers from either source.
    """
    rows = []
    for dataset in datasets:
        for whose, scores in origins(sources):
            found = {backbone: _polygons(scores, dataset, backbone) for backbone in MODELS}
            if any(found.values()):
                said = {name: _said(sources.prose, dataset, name) if scores is sources.paper else "" for name in found}
                title = f"\n{dataset}, {whose}"
                rows.append(
                    [
                        Radar(f"{name} / {MODELS[name]}{title}", own, said[name] or "no runs")
                        for name, own in found.items()
                    ]
                )
    if not rows:
        raise MissingRunsError(datasets[0], [" / ".join(model) for model in MODELS.items()], "figure4-runs")
    caption = "Gain of each task over vanilla single-task networks, in percent, and the mean gain Δm."
    return draw_radars(rows, f"{VANILLA}, {SINGLE_TASK}", caption)


def _polygons(scores: pd.DataFrame, dataset: str, backbone: str) -> list[Polygon]:
    name = MODELS[backbone]
    vanilla, own = (Setting(dataset, backbone, architecture) for architecture in (VANILLA, name))
    found = [
        polygon(f"{VANILLA}, Uniform", scores, vanilla, "Uniform", VANILLA_LOOK),
        *(polygon(f"{name}, {method}", scores, own, method, look) for method, look in LOOKS.items()),
    ]
    return [own for own in found if own]


def _said(prose: pd.DataFrame, dataset: str, backbone: str) -> str:
    """Numbers of a panel that the paper gives in running text."""
    about = prose["configuration"].fillna("").str.startswith(f"{backbone}, ")
    found = prose[(prose["figure"] == "4") & (prose["dataset"] == dataset) & about]
    parts = []
    for _, row in found.iterrows():
        subject, quantity = row["configuration"].removeprefix(f"{backbone}, "), row["quantity"].replace("delta_m", "Δm")
        value = f"{signed(float(row['value']), 2)} {row['unit']}"
        parts.append("\n".join(textwrap.fill(line, TEXT) for line in (subject, quantity, value)))
    return "\n\n".join(["The paper has no table for this.\nIts text says:", *parts]) if parts else ""
