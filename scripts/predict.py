"""Predicts all tasks of a trained run for pictures: `python scripts/predict.py run=RUN_FOLDER images=DIR`.

`images` is a folder of pictures or one picture. For each, `out` (by default `predictions` in the run folder) gets
NAME_TASK.png to look at and NAME_TASK.npy to work with: classes as uint8, depth in metres, normals as unit vectors
[3, H, W], saliency and edge as probabilities. More: checkpoint=last.pt (best.pt), device=cpu (auto), longest=640
(shrinks pictures whose longer side has more pixels; they should be about as large as those of the training).
"""

import difflib
import io
import sys
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import torch

import mtl
from mtl.files import write_whole
from mtl.report.picture import picture

SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff")
SETTINGS = {"run": "", "images": "", "out": "", "checkpoint": "best.pt", "device": "auto", "longest": "0"}


def settings(words: Sequence[str]) -> dict[str, str]:
    """What the command line says, key=value by key=value."""
    given = dict(word.partition("=")[::2] for word in words)
    for key in given:
        if key not in SETTINGS:
            near = difflib.get_close_matches(key, SETTINGS, n=1)
            raise ValueError(f"unknown key {key}; {f'did you mean {near[0]}' if near else f'use {[*SETTINGS]}'}")
    missing = [key for key in ("run", "images") if not given.get(key)]
    if missing:
        raise ValueError(f"{' and '.join(missing)} missing: python scripts/predict.py run=RUN_FOLDER images=DIR")
    given = SETTINGS | given
    if not given["longest"].isdigit():
        raise ValueError(f"longest={given['longest']}: use a number of pixels, 0 for any")
    return given | {"out": given["out"] or str(Path(given["run"]) / "predictions")}


def pictures(place: Path) -> list[Path]:
    """The pictures there, each with a name of its own."""
    found = sorted(place.iterdir()) if place.is_dir() else [place]
    found = [path for path in found if path.suffix.lower() in SUFFIXES and path.is_file()]
    if not found:
        raise ValueError(f"images={place}: no picture there ({' '.join(SUFFIXES)})")
    names = [path.stem for path in found]
    if twice := {name for name in names if names.count(name) > 1}:
        raise ValueError(f"images={place}: several pictures of the name {min(twice)}; their predictions would collide")
    return found


def read(path: Path, longest: int) -> np.ndarray:
    """Red, green and blue, turned as the camera says. Shape [H, W, 3], uint8."""
    image = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if image is None:
        raise ValueError(f"{path} is damaged or no picture")
    if longest and (factor := longest / max(image.shape)) < 1:
        image = cv2.resize(image, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
    return cv2.cvtColor(image, cv2.COLOR_BGR2RGB)


def main(words: Sequence[str]) -> None:
    """Writes every task's prediction of every picture."""
    chosen = settings(words)
    paths = pictures(Path(chosen["images"]))
    model = mtl.load(chosen["run"], chosen["checkpoint"], chosen["device"])
    for path in paths:
        image = read(path, int(chosen["longest"]))
        for task, prediction in model(torch.from_numpy(image).permute(2, 0, 1)).items():
            array = prediction.cpu().numpy()
            np.save(raw := io.BytesIO(), array)
            stem = Path(chosen["out"]) / f"{path.stem}_{task}"
            write_whole(stem.with_name(f"{stem.name}.npy"), raw.getvalue())
            png = picture(task, image, array, model.class_names.get(task, ()))
            write_whole(stem.with_name(f"{stem.name}.png"), png)
        print(f"{path}: {', '.join(model.task_names)}")
    print(chosen["out"])


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except (ValueError, OSError) as error:
        raise SystemExit(f"error: {error}") from error
