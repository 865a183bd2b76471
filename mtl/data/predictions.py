"""Saved predictions of any program, as the metrics take them: a folder a task, a file an image.

predictions/semseg/0001.png         classes from 0, or colours of PASCAL VOC (.npy: also scores [K, H, W] or [H, W, K])
predictions/human_parts/2008_..png  likewise; 0 is background
predictions/depth/0001.npy          metres [H, W] (or .mat with `depth`; or whole numbers of a unit to be given)
predictions/normals/0001.png        bytes of 255 (n + 1) / 2 (or .npy: [H, W, 3] or [3, H, W], of any length)
predictions/saliency/0001.png       probability * 255 (or .npy: probability [H, W])
predictions/edge/0001.png           likewise

or, as scripts/predict.py writes them, predictions/0001_semseg.npy and so on. Folders of other programs are read as
they are: the `folders` of a task. Every .npy may be an .npz; `mtl.tasks` has the details by task.
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
        folder: Holds a folder for the task.
        label: The label of the task.
        channels: Number of classes, of tasks with classes.
        depth_unit: Metres that a stored number 1 of depth stands for; None: real numbers are metres, and whole
            numbers are refused.
        first: Number of the first class in the label files of the dataset; classes drawn in colours count from it.

    Raises:
        ValueError: There is no folder for the task.
    """

    def __init__(
        self, folder: Path, label: TaskLabel, channels: int, depth_unit: float | None = None, first: int = 0
    ) -> None:
        self.task = label.name
        self.label = label.described(channels=channels, first=first, depth_unit=depth_unit)
        if not self.has(folder, label):
            raise ValueError(
                f"{folder / self.task}: no such folder; it should hold a file for each image, such as <id>.png"
            )
        places = [folder / name for name in names_of(label) if (folder / name).is_dir()]
        self.inside = next((place for place in places if any(readable(place))), places[0] if places else None)
        self.folder = self.inside or folder

    @classmethod
    def has(cls, folder: Path, label: TaskLabel) -> bool:
        """Whether the folder holds predictions of the task, or a folder for them."""
        return any((folder / name).is_dir() for name in names_of(label)) or any(folder.glob(f"*_{label.name}.npy"))

    @cached_property
    def files(self) -> dict[str, Path]:
        """The file of each image by its id.

        Raises:
            ValueError: An image has two, or the folder cannot be read.
        """
        if not self.inside:
            end = f"_{self.task}.npy"
            return {path.name.removesuffix(end): path for path in sorted(self.folder.glob(f"*{end}"))}
        found: dict[str, Path] = {}
        for path in sorted(readable(self.folder)):
            id = path.relative_to(self.folder).with_suffix("").as_posix()
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

    @property
    def others(self) -> str:
        """What else there is in the folder, for messages about missing files; empty if nothing is."""
        if not self.inside:
            return ""
        paths = sorted(path for path in files_below(self.folder) if path.suffix.lower() not in SUFFIXES)
        names = f"{len(paths)} files such as {paths[0].name}" if paths else "nothing else"
        return f"; there is {names}, and read are {' '.join(SUFFIXES)}"

    def read(self, id: str, size: tuple[int, int]) -> Tensor:
        """What the metric of the task takes. Shape [C, H, W].

        Args:
            id: The image.
            size: Its height and width.

        Raises:
            ValueError: The file holds something else, or has another size.
        """
        path = self.files[id]
        prediction = self.label.read_prediction(read_stored(path, self.task), tuple(size))
        if prediction.shape[1:] != tuple(size):
            raise DamagedFileError(
                f"{path}: is {prediction.shape[1]} x {prediction.shape[2]}, but the image is {size[0]} x {size[1]}: "
                "crop the padding away, or resize to the image, before it is saved"
            )
        return torch.from_numpy(np.ascontiguousarray(prediction))


def names_of(label: TaskLabel) -> tuple[str, ...]:
    """What the folder of a task may be called, the most specific first."""
    return (*label.folders, label.name)


def readable(folder: Path) -> list[Path]:
    """Files below the folder whose format is known."""
    return [path for path in files_below(folder) if path.suffix.lower() in SUFFIXES]


def files_below(folder: Path) -> list[Path]:
    """All files below the folder but hidden ones.

    Raises:
        ValueError: A folder cannot be read.
    """

    def refuse(error: OSError) -> NoReturn:
        raise DamagedFileError(f"{error.filename}: cannot be read ({error.strerror})") from error

    walk = os.walk(folder, onerror=refuse)
    return [Path(place) / name for place, _, names in walk for name in names if not name.startswith(".")]
