"""The figures of a results folder, small enough to be embedded in the page."""

import base64
import io
import re
from pathlib import Path
from typing import NamedTuple

from PIL import Image

from mtl.report.figures.catalogue import FIGURES
from mtl.report.names import DATASETS

WIDTH = 1440  # pixels: sharp on a phone of three pixels a point and, at half of it, on a page
COLOURS = 128  # lines and letters need no more
NAME = re.compile(r"figure(?P<number>\d+)(_(?P<dataset>\w+))?")
CAPTIONS = {
    1: "Gain of every task over its single-task network, for every initialisation of the encoder.",
    4: "Gain of every task over its single-task network, for every architecture.",
    6: "How far the shared features are from those of the single-task networks, by task and method.",
    7: "Cosine of each task's gradient and the aggregated gradient, by method.",
    8: "Norms of the tasks' gradients, as they are and times the weight of the task, by method.",
    9: "Cosine of each task's gradient and the aggregated gradient under AvgNorm.",
    10: "Cosine of every two tasks' gradients, by method.",
    11: "Cosine of every two tasks' gradients, by method.",
    12: "Dot product of every two tasks' gradients, by method.",
    13: "Dot product of every two tasks' gradients, by method.",
    14: "Cosine of each task's gradient and the aggregated gradient, by method.",
    15: "Norms of the tasks' gradients, as they are and times the weight of the task, by method.",
    16: "Norms of the gradients of single-task networks, next to those of the tasks under Uniform.",
}
OTHERS = {
    "demo_rooms": "Gradient norms under Uniform and AvgNorm, AvgNorm's weights, and the gains of three methods.",
}


class Picture(NamedTuple):
    """A figure of the page.

    Args:
        name: Of its file, without the ending.
        title: Its number in the paper and its datasets.
        caption: What it shows.
        source: The image as an address that holds it whole.
        width: In pixels.
        height: In pixels.
    """

    name: str
    title: str
    caption: str
    source: str
    width: int
    height: int


def pictures(folder: Path) -> list[Picture]:
    """The figures of the paper that have been drawn, by number, then the demo's."""
    found = {}
    for path in folder.glob("figure*.png"):
        if (name := NAME.fullmatch(path.stem)) and int(name["number"]) in FIGURES:
            found[int(name["number"]), name["dataset"] or ""] = path
    known = [_picture(path, *_paper(*key)) for key, path in sorted(found.items())]
    return known + [
        _picture(folder / f"{name}.png", name.partition("_")[0].capitalize(), caption)
        for name, caption in OTHERS.items()
        if (folder / f"{name}.png").exists()
    ]


def undrawn(found: list[Picture]) -> list[int]:
    """Numbers of the paper's figures that are missing, whatever their dataset."""
    drawn = {int(name["number"]) for picture in found if (name := NAME.fullmatch(picture.name))}
    return [number for number in FIGURES if number not in drawn]


def _paper(number: int, dataset: str) -> tuple[str, str]:
    datasets = [dataset] if dataset else FIGURES[number].datasets
    return f"Fig. {number}, {' and '.join(DATASETS.get(word, word) for word in datasets)}", CAPTIONS[number]


def _picture(path: Path, title: str, caption: str) -> Picture:
    with Image.open(path) as image:
        small = image.convert("RGB")
    if small.width > WIDTH:
        small = small.resize((WIDTH, round(small.height * WIDTH / small.width)), Image.Resampling.LANCZOS)
    png = io.BytesIO()
    small.quantize(COLOURS, dither=Image.Dither.NONE).save(png, "png", optimize=True)
    code = base64.b64encode(png.getvalue()).decode()
    return Picture(path.stem, title, caption, f"data:image/png;base64,{code}", small.width, small.height)
