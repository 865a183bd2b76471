"""Reads saved predictions of any program: one folder per task, one file per image.

predictions/semseg/0001.png         classes from 0, or colours of PASCAL VOC (.npy: also scores [K, H, W] or [H, W, K])
predictions/human_parts/2008_..png  likewise; 0 is background
predictions/depth/0001.npy          metres [H, W] (or .mat with `depth`; or integers, with `depth_unit`)
predictions/normals/0001.png        bytes of 255 (n + 1) / 2 (or .npy: [H, W, 3] or [3, H, W], of any length)
predictions/saliency/0001.png       probability * 255 (or .npy: probability [H, W])
predictions/edge/0001.png           likewise

or, as scripts/predict.py writes them, predictions/0001_semseg.npy and so on. The folder names of other programs are
accepted too: see `folders` of each task. Every .npy may be an .npz; `mtl.tasks` has the details by task.
"""

import os
from collections.abc import Iterable
from functools import cached_property
from pathlib import Path
from typing import NoReturn

import numpy as np
import torch
from torch import Tensor

from mtl.data.stored import DamagedFileError, read_stored
from mtl.data.stored.file import SUFFIXES
from mtl.tasks import TaskLabel


class Predictions:
    """The predictions of one task.

    Args:
        folder: Parent of the task's folder.
        label: The label of the task.
        channels: Number of channels that a network predicts for the task.
        depth_unit: Metres per stored unit of depth; None: floats are metres, and integers are rejected.
        first: Number of the first class in the label files of the dataset; classes saved as colours count from it.

    Raises:
        ValueError: The task has no folder.
    """

    def __init__(
        self, folder: Path, label: TaskLabel, channels: int, depth_unit: float | None = None, first: int = 0
    ) -> None:
        self.task = label.name
        self.label = label.described(channels=channels, first=first, depth_unit=depth_unit)
        if not self.has(folder, label):
            raise ValueError(
                f"{folder / self.task}: no such folder; it should hold one file per image, such as <id>.png"
            )
        places = [folder / name for name in names_of(label) if (folder / name).is_dir()]
        self.inside = next((place for place in places if any(readable(place))), places[0] if places else None)
        self.folder = self.inside or folder

    @classmethod
    def has(cls, folder: Path, label: TaskLabel) -> bool:
        """Whether the folder has predictions of the task, or a subfolder for them."""
        return any((folder / name).is_dir() for name in names_of(label)) or any(folder.glob(f"*_{label.name}.npy"))

    @cached_property
    def files(self) -> dict[str, Path]:
        """The file of each image by its id.

        Raises:
            ValueError: An image has two files, or the folder cannot be read.
        """
        if not self.inside:
            end = f"_{self.task}.npy"
            return {path.name.removesuffix(end): path for path in sorted(self.folder.glob(f"*{end}"))}
        found: dict[str, Path] = {}
        for path in sorted(readable(self.folder)):
            id = path.relative_to(self.folder).with_suffix("").as_posix()
            if id in found:
                raise ValueError(f"{path} and {found[id].name} both belong to image {id}: delete one")
            found[id] = path
        return found

    def missing(self, ids: Iterable[str]) -> list[str]:
        """Images without a file."""
        return [id for id in ids if id not in self.files]

    def extra(self, ids: Iterable[str]) -> list[Path]:
        """Files that belong to none of the images."""
        known = set(ids)
        return [path for id, path in self.files.items() if id not in known]

    @property
    def others(self) -> str:
        """Description of other files in the folder, for messages about missing files."""
        if not self.inside:
            return ""
        paths = sorted(path for path in files_below(self.folder) if path.suffix.lower() not in SUFFIXES)
        names = f"{len(paths)} files such as {paths[0].name}" if paths else "nothing else"
        return f"; the folder holds {names}, and supported are {' '.join(SUFFIXES)}"

    def read(self, id: str, size: tuple[int, int]) -> Tensor:
        """The prediction of an image, as input of the task's metric. Shape [C, H, W].

        Args:
            id: The image.
            size: Height and width of the image.

        Raises:
            ValueError: The file does not hold a prediction of the task, or has another size.
        """
        path = self.files[id]
        prediction = self.label.read_prediction(read_stored(path, self.task), size)
        if prediction.shape[1:] != tuple(size):
            raise DamagedFileError(
                f"{path}: is {prediction.shape[1]} x {prediction.shape[2]}, but the image is {size[0]} x {size[1]}: "
                "remove the padding, or resize to the image, before saving"
            )
        return torch.from_numpy(np.ascontiguousarray(prediction))


def names_of(label: TaskLabel) -> tuple[str, ...]:
    """Possible names of a task's folder, the most specific first."""
    return (*label.folders, label.name)


def readable(folder: Path) -> list[Path]:
    """Files below the folder in a supported format."""
    return [path for path in files_below(folder) if path.suffix.lower() in SUFFIXES]


def files_below(folder: Path) -> list[Path]:
    """All files below the folder except hidden ones.

    Raises:
        ValueError: A folder cannot be read.
    """

    def fail(error: OSError) -> NoReturn:
        raise DamagedFileError(f"{error.filename}: cannot be read ({error.strerror})") from error

    walk = os.walk(folder, onerror=fail)
    return [Path(place) / name for place, _, names in walk for name in names if not name.startswith(".")]
