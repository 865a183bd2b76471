"""Saved predictions of any program, as the metrics take them: a folder a task, a file an image.

predictions/semseg/0001.png         classes from 0 (or .npy: classes [H, W], or scores [K, H, W] or [H, W, K])
predictions/human_parts/2008_..png  likewise; 0 is background
predictions/depth/0001.npy          metres [H, W] (or .mat with `depth`; or .png, whole numbers of a unit to be given)
predictions/normals/0001.png        n = 2 v / 255 - 1 (or .npy: [H, W, 3] or [3, H, W], of any length)
predictions/saliency/0001.png       probability * 255 (or .npy: probability [H, W])
predictions/edge/0001.png           likewise

or, as scripts/predict.py writes them, predictions/0001_semseg.npy and so on.
"""

from collections.abc import Iterable
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mtl.data.disk.decode import DamagedFileError, check_classes, read_mat, read_numbers, read_pixels

KINDS = (".png", ".npy", ".mat")
ALSO = {"saliency": ("sal",), "human_parts": ("parts",)}  # names that folders have elsewhere
SURE = 50.0  # logit of a probability of one
BYTES = 255


class Predictions:
    """The predictions of one task.

    Args:
        folder: Holds a folder for the task.
        task: Name of the task.
        channels: Number of classes, of tasks with classes.
        depth_unit: What a whole number of a depth image stands for, in metres; None refuses depth images.

    Raises:
        ValueError: There is no folder for the task, or two files for an image.
    """

    def __init__(self, folder: Path, task: str, channels: int, depth_unit: float | None = None) -> None:
        self.task, self.channels, self.depth_unit = task, channels, depth_unit
        if not self.has(folder, task):
            raise ValueError(f"{folder / task}: no such folder; it should hold a file for each image, such as <id>.png")
        self.inside = next((folder / name for name in names_of(task) if (folder / name).is_dir()), None)
        self.folder = self.inside or folder

    @classmethod
    def has(cls, folder: Path, task: str) -> bool:
        """Whether the folder holds predictions of the task."""
        return any((folder / name).is_dir() for name in names_of(task)) or any(folder.glob(f"*_{task}.npy"))

    @cached_property
    def files(self) -> dict[str, Path]:
        """The file of each image by its id.

        Raises:
            ValueError: An image has two.
        """
        if not self.inside:
            end = f"_{self.task}.npy"
            return {path.name.removesuffix(end): path for path in sorted(self.folder.glob(f"*{end}"))}
        found: dict[str, Path] = {}
        for path in sorted(self.folder.rglob("*.*")):
            id = path.relative_to(self.folder).with_suffix("").as_posix()
            if path.suffix not in KINDS:
                continue
            if id in found:
                raise ValueError(f"{path} and {found[id].name} are both of image {id}: delete one")
            found[id] = path
        return found

    def missing(self, ids: Iterable[str]) -> list[str]:
        """Those of the images that have no file."""
        return [id for id in ids if id not in self.files]

    def extra(self, ids: Iterable[str]) -> list[Path]:
        """Files of none of the images."""
        known = set(ids)
        return [path for id, path in self.files.items() if id not in known]

    def read(self, id: str, size: tuple[int, int]) -> Tensor:
        """What the metric of the task takes. Shape [C, H, W].

        Args:
            id: The image.
            size: Its height and width.

        Raises:
            ValueError: The file holds something else, or has another size.
        """
        path = self.files[id]
        stored = self._stored(path)
        prediction = getattr(self, f"_{self.task}")(path, stored)
        if prediction.shape[1:] != tuple(size):
            raise DamagedFileError(
                f"{path}: is {prediction.shape[1]} x {prediction.shape[2]}, but the image is {size[0]} x {size[1]}: "
                "crop the padding away, or resize to the image, before it is saved"
            )
        return torch.from_numpy(np.ascontiguousarray(prediction))

    def _stored(self, path: Path) -> NDArray[Any]:
        """The contents of a file, without axes of length one."""
        if path.suffix == ".png":
            return read_pixels(path)
        content = read_numbers(path) if path.suffix == ".npy" else np.asarray(read_mat(path, self.task))
        return content.squeeze()

    def _semseg(self, path: Path, stored: NDArray[Any]) -> NDArray[Any]:
        """Scores of the classes."""
        count = self.channels
        if stored.ndim == 3 and stored.dtype.kind == "f" and count in (stored.shape[0], stored.shape[2]):
            return stored if stored.shape[0] == count else stored.transpose(2, 0, 1)
        classes = stored.astype(np.int64)
        if stored.ndim != 2 or (classes != stored).any() or classes.min() < 0:
            raise self._refusal(path, stored, f"classes from 0 to {count - 1}, or scores of {count} classes")
        check_classes(path, classes, range(count), f"0 to {count - 1}")
        return (np.arange(count)[:, None, None] == classes).astype(np.uint8)

    _human_parts = _semseg

    def _depth(self, path: Path, stored: NDArray[Any]) -> NDArray[np.float32]:
        """Metres."""
        if stored.ndim != 2:
            raise self._refusal(path, stored, "a map of metres")
        if stored.dtype.kind == "f":
            return stored[None].astype(np.float32)
        if self.depth_unit is None:
            raise ValueError(f"{path}: holds whole numbers: say what they stand for, such as depth_unit=0.001 (mm)")
        return (stored[None] * self.depth_unit).astype(np.float32)

    def _normals(self, path: Path, stored: NDArray[Any]) -> NDArray[np.float32]:
        """Vectors."""
        if stored.ndim != 3 or 3 not in (stored.shape[0], stored.shape[2]):
            raise self._refusal(path, stored, "vectors of three numbers")
        vectors = stored.transpose(2, 0, 1) if stored.shape[2] == 3 else stored
        return vectors.astype(np.float32) if stored.dtype.kind == "f" else 2 * vectors.astype(np.float32) / BYTES - 1

    def _saliency(self, path: Path, stored: NDArray[Any]) -> NDArray[np.float32]:
        """Logits of background and foreground."""
        # A little more, so that a probability which just reaches a threshold still does so after rounding.
        logits = logit(self._probability(path, stored) + 1e-6)
        return np.stack([np.zeros_like(logits), logits])

    def _edge(self, path: Path, stored: NDArray[Any]) -> NDArray[np.float32]:
        """Logits."""
        levels = np.floor(BYTES * self._probability(path, stored) + 1e-3)
        return logit((levels + 0.5) / BYTES)[None]  # the metric cuts fractions of a level off

    def _probability(self, path: Path, stored: NDArray[Any]) -> NDArray[np.float64]:
        byte, real = stored.dtype == np.uint8, stored.dtype.kind == "f"
        if stored.ndim != 2 or not (byte or real) or (real and not (stored.min() >= 0 and stored.max() <= 1)):
            raise self._refusal(path, stored, "bytes, or probabilities from 0 to 1")
        return stored / BYTES if byte else stored.astype(np.float64)

    @staticmethod
    def _refusal(path: Path, stored: NDArray[Any], wanted: str) -> DamagedFileError:
        span = f", from {stored.min()} to {stored.max()}" if stored.size else ""
        return DamagedFileError(f"{path}: holds {stored.dtype} of shape {stored.shape}{span}, not {wanted}")


def names_of(task: str) -> tuple[str, ...]:
    """What the folder of a task may be called."""
    return (task, *ALSO.get(task, ()))


def logit(probability: NDArray[np.float64]) -> NDArray[np.float32]:
    """The number whose sigmoid is the probability."""
    with np.errstate(divide="ignore", invalid="ignore"):
        value = np.where(probability < 1, np.log(probability / (1 - probability)), SURE)
    return np.clip(value, -SURE, SURE).astype(np.float32)
