"""Embeds the figures of a results folder in the page, reduced in size."""

import base64
import io
import re
from pathlib import Path
from typing import NamedTuple

from PIL import Image

from mtl.files import warn
from mtl.report.figures.catalogue import FIGURES
from mtl.report.names import DATASETS

WIDTH = 1440  # pixels: sharp at 480 points on a phone with 3x pixels and at 720 on a 2x screen
COLOURS = 128  # enough for line art and text
NAME = re.compile(r"figure(?P<number>\d+)(_(?P<dataset>\w+))?")
CAPTIONS = {
    1: "Gain of each task over its single-task network, for each initialisation of the encoder.",
    4: "Gain of each task over its single-task network, for each architecture.",
    6: "Squared distance between the shared features and those of the single-task networks, by task and method.",
    7: "Cosine between each task's gradient and the aggregated gradient, by method.",
    8: "Norms of the task gradients, unweighted and weighted, by method.",
    9: "Cosine between each task's gradient and the aggregated gradient under AvgNorm.",
    10: "Cosine between each pair of task gradients, by method.",
    11: "Cosine between each pair of task gradients, by method.",
    12: "Dot product of each pair of task gradients, by method.",
    13: "Dot product of each pair of task gradients, by method.",
    14: "Cosine between each task's gradient and the aggregated gradient, by method.",
    15: "Norms of the task gradients, unweighted and weighted, by method.",
    16: "Gradient norms of single-task networks and of the tasks under Uniform.",
}
OWN = {  # ending of the file, after the name of the experiment -> title and caption
    "_ranks": ("Mean ranks", "1 is best; a bar joins methods that do not differ significantly."),
    "": ("Imbalance", "Gradient norms under Uniform and AvgNorm, AvgNorm's weights, and the gain of each task."),
}


class Picture(NamedTuple):
    """A figure of the page.

    Args:
        name: File name without the extension.
        title: Number in the paper and datasets, or its subject.
        caption: Description of the content.
        source: The image as a data URL.
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
    """The drawn figures of the paper, by number."""
    found = {}
    for path in folder.glob("figure*.png"):
        if (name := NAME.fullmatch(path.stem)) and int(name["number"]) in FIGURES:
            found[int(name["number"]), name["dataset"] or ""] = path
    known = [_picture(path, *_paper(*key)) for key, path in sorted(found.items())]
    return [picture for picture in known if picture is not None]


def pictures_of(folder: Path, name: str) -> list[Picture]:
    """The figures of an experiment itself, by ending.

    Args:
        folder: Folder of the figures.
        name: `<experiment>_<dataset>`.
    """
    paths = {folder / f"{name}{ending}.png": about for ending, about in OWN.items()}
    known = [_picture(path, *about) for path, about in paths.items() if path.exists() and not NAME.fullmatch(path.stem)]
    return [picture for picture in known if picture is not None]


def undrawn(found: list[Picture]) -> list[int]:
    """Numbers of the paper's figures that are not drawn for any dataset."""
    drawn = {int(name["number"]) for picture in found if (name := NAME.fullmatch(picture.name))}
    return [number for number in FIGURES if number not in drawn]


def _paper(number: int, dataset: str) -> tuple[str, str]:
    datasets = [dataset] if dataset else FIGURES[number].datasets
    return f"Fig. {number}, {' and '.join(DATASETS.get(word, word) for word in datasets)}", CAPTIONS[number]


def _picture(path: Path, title: str, caption: str) -> Picture | None:
    """The picture; None, with a warning, if the file is damaged."""
    try:
        with Image.open(path) as image:
            small = image.convert("RGB")
    except (OSError, SyntaxError, ValueError) as error:  # what Pillow raises, depending on where the file is damaged
        warn(f"{path} is damaged ({error}); it is left out: draw it again")
        return None
    if small.width > WIDTH:
        small = small.resize((WIDTH, round(small.height * WIDTH / small.width)), Image.Resampling.LANCZOS)
    png = io.BytesIO()
    small.quantize(COLOURS, dither=Image.Dither.NONE).save(png, "png", optimize=True)
    code = base64.b64encode(png.getvalue()).decode()
    return Picture(path.stem, title, caption, f"data:image/png;base64,{code}", small.width, small.height)
