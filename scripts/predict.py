"""Predicts all tasks of a trained run for pictures: `python scripts/predict.py run=RUN_FOLDER images=DIR`.

`images` is a folder of pictures or one picture. For each, `out` (by default `predictions` in the run folder) gets
NAME_TASK.png to look at and NAME_TASK.npy to work with: classes as uint8, depth in metres, normals as unit vectors
[3, H, W], saliency and edge as probabilities. More: checkpoint=last.pt (best.pt), device=cpu (auto), longest=640
(shrinks pictures whose longer side has more pixels; they should be about as large as those of the training).

Pictures are read as a dataset reads its images: a damaged one is refused, and an orientation in EXIF is not applied.
Those that cannot be predicted are listed at the end, with exit code 1; the others are.
"""

import difflib
import errno
import io
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import torch

import mtl
from mtl.data.disk.decode import DamagedFileError, read_image
from mtl.files import write_whole
from mtl.report.render.picture import picture
from mtl.trained import TrainedModel, UnfitPictureError

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
    if not given["longest"].isdecimal():
        raise ValueError(f"longest={given['longest']}: use a number of pixels, 0 for any")
    return given | {"out": given["out"] or str(Path(given["run"]) / "predictions")}


def pictures(place: Path) -> list[Path]:
    """The pictures there, each with a name of its own; links to nowhere are among them, to be named later."""
    found = sorted(place.iterdir()) if place.is_dir() else [place]
    found = [path for path in found if path.suffix.lower() in SUFFIXES and (path.is_file() or dangles(path))]
    if not found:
        raise ValueError(f"images={place}: no picture there ({' '.join(SUFFIXES)})")
    names = [path.stem for path in found]
    if twice := {name for name in names if names.count(name) > 1}:
        raise ValueError(f"images={place}: several pictures of the name {min(twice)}; their predictions would collide")
    return found


def dangles(path: Path) -> bool:
    """Whether it is a link to a file that is not there, or to itself."""
    return path.is_symlink() and not path.exists()


def read(path: Path, longest: int) -> np.ndarray:
    """Red, green and blue. Shape [H, W, 3], uint8.

    Args:
        path: The picture.
        longest: Pixels that its longer side is shrunk to; 0: any number.

    Raises:
        DamagedFileError: It cannot be read.
        UnfitPictureError: It is so narrow that shrinking leaves nothing.
    """
    image = np.ascontiguousarray(read_image(path).transpose(1, 2, 0))
    height, width, _ = image.shape
    factor = longest / max(height, width)
    if not 0 < factor < 1:
        return image
    rows, columns = round(factor * height), round(factor * width)
    if not (rows and columns):
        raise UnfitPictureError(f"at longest={longest} nothing is left of its {height} x {width} pixels")
    return cv2.resize(image, (columns, rows), interpolation=cv2.INTER_AREA)


def writable(out: Path) -> Path:
    """The folder, made if need be.

    Raises:
        ValueError: Nothing can be written to it.
    """
    try:
        out.mkdir(parents=True, exist_ok=True)
        if not os.access(out, os.W_OK | os.X_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    except OSError as error:
        raise ValueError(f"out={out}: {error.strerror}; choose a folder that can be written to") from error
    return out


def write(model: TrainedModel, image: np.ndarray, stem: Path) -> None:
    """Writes every task's prediction of a picture as `stem`_TASK.npy and .png."""
    for task, prediction in model(torch.from_numpy(image).permute(2, 0, 1)).items():
        array = prediction.cpu().numpy()
        np.save(raw := io.BytesIO(), array)
        write_whole(stem.with_name(f"{stem.name}_{task}.npy"), raw.getvalue())
        png = picture(task, image, array, model.class_names.get(task, ()))
        write_whole(stem.with_name(f"{stem.name}_{task}.png"), png)


def say(line: str) -> None:
    """Prints a line, names of files that are not UTF-8 included."""
    print(line.encode(errors="backslashreplace").decode())


def main(words: Sequence[str]) -> None:
    """Writes every task's prediction of every picture.

    Raises:
        ValueError: The words are wrong, or some pictures cannot be predicted, which are listed.
        OSError: Predictions cannot be written.
    """
    chosen = settings(words)
    paths = pictures(Path(chosen["images"]))
    model = mtl.load(chosen["run"], chosen["checkpoint"], chosen["device"])
    out = writable(Path(chosen["out"]))
    failed = []
    for path in paths:
        try:
            write(model, read(path, int(chosen["longest"])), out / path.stem)
        except (DamagedFileError, UnfitPictureError) as error:
            line = str(error) if isinstance(error, DamagedFileError) else f"{path}: {error}"
            failed.append(line)
            say(f"failed: {line}")
        else:
            say(f"{path}: {', '.join(model.task_names)}")
    say(str(out))
    if failed:
        raise ValueError("\n  ".join([f"{len(failed)} of {len(paths)} pictures were not predicted:", *failed]))


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except (ValueError, OSError) as error:
        raise SystemExit(f"error: {error}") from error
