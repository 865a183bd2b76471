"""Predicts all tasks of a trained run for your images: `python scripts/predict.py run=RUN_FOLDER images=DIR`.

For each image, `out` gets NAME_TASK.png to look at and NAME_TASK.npy to work with: classes as uint8, depth in metres,
normals as unit vectors [3, H, W], saliency and edge as probabilities. Images should be about as large as those of the
training; `longest=640` shrinks larger ones.

Images are read as in a dataset: a damaged file is refused, and EXIF orientation is not applied. Images that cannot be
predicted are listed at the end, with exit code 1; all others are predicted.
"""

import errno
import io
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch

import mtl
from mtl.cli.ending import end, run
from mtl.data.disk.decode import DamagedFileError, read_image
from mtl.files import write_whole
from mtl.report.render.picture import picture
from mtl.trained import TrainedModel, UnfitPictureError

SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff")
OWN = {
    "run": (None, "run folder, such as results/runs/NAME/seed0"),
    "images": (None, "folder of images, or one image"),
    "out": ("", "folder for the predictions; by default predictions in the run folder"),
    "checkpoint": ("best.pt", "best.pt or last.pt"),
    "trust": ("", "packages of your own, with commas, whose classes the run may name; their code runs"),
    "device": ("auto", "auto, cpu, cuda or cuda:1"),
    "longest": (0, "shrink images whose longer side has more pixels; 0: never"),
}


def pictures(place: Path) -> list[Path]:
    """The images there, with distinct names; broken links are included, to be listed as failed later."""
    found = sorted(place.iterdir()) if place.is_dir() else [place]
    found = [path for path in found if path.suffix.lower() in SUFFIXES and (path.is_file() or dangles(path))]
    if not found:
        raise ValueError(f"images={place}: no image there ({' '.join(SUFFIXES)})")
    names = [path.stem for path in found]
    if twice := {name for name in names if names.count(name) > 1}:
        raise ValueError(
            f"images={place}: several images are called {min(twice)}, and their predictions would collide; rename one"
        )
    return found


def dangles(path: Path) -> bool:
    """Whether it is a broken link, or a link to itself."""
    return path.is_symlink() and not path.exists()


def read(path: Path, longest: int) -> np.ndarray:
    """Red, green and blue. Shape [H, W, 3], uint8.

    Args:
        path: The image.
        longest: Pixels that its longer side is shrunk to; 0: never shrink.

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
    """The folder, created if necessary.

    Raises:
        ValueError: It is not writable.
    """
    try:
        out.mkdir(parents=True, exist_ok=True)
        if not os.access(out, os.W_OK | os.X_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    except OSError as error:
        raise ValueError(f"out={out}: {error.strerror}; choose a writable folder") from error
    return out


def write(model: TrainedModel, image: np.ndarray, stem: Path) -> None:
    """Writes every task's prediction of an image as `stem`_TASK.npy and .png."""
    for task, prediction in model(torch.from_numpy(image).permute(2, 0, 1)).items():
        array = prediction.cpu().numpy()
        np.save(raw := io.BytesIO(), array)
        write_whole(stem.with_name(f"{stem.name}_{task}.npy"), raw.getvalue())
        png = picture(task, image, array, model.class_names.get(task, ()))
        write_whole(stem.with_name(f"{stem.name}_{task}.png"), png)


def printable(line: str) -> str:
    """The line with escapes for the parts of a file name that are not UTF-8."""
    return line.encode(errors="backslashreplace").decode()


def main(own: Mapping[str, Any]) -> None:
    """Writes every task's prediction of every image.

    Raises:
        ValueError: A word is wrong.
        OSError: Predictions cannot be written.
        SystemExit: Some images cannot be predicted; they are listed.
    """
    paths = pictures(Path(own["images"]))
    model = mtl.load(own["run"], own["checkpoint"], own["device"], own["trust"])
    out = writable(Path(own["out"] or Path(own["run"]) / "predictions"))
    failed = []
    for path in paths:
        try:
            write(model, read(path, own["longest"]), out / path.stem)
        except (DamagedFileError, UnfitPictureError) as error:
            line = str(error) if isinstance(error, DamagedFileError) else f"{path}: {error}"
            failed.append(printable(line))
            print(f"failed: {failed[-1]}")
        else:
            print(printable(f"{path}: {', '.join(model.task_names)}"))
    print(printable(str(out)))
    if failed:
        end("\n  ".join([f"{len(failed)} of {len(paths)} images were not predicted:", *failed]))


def command() -> None:
    """Reads the command line, and predicts."""
    run(main, __doc__, OWN)
