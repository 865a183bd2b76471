"""Base class of datasets: a subclass reads raw arrays, the base class types and transforms them."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, Literal, NamedTuple, get_args

import numpy as np
import torch
from torch.utils.data import Dataset
from torchvision import tv_tensors

from mtl.data.transforms.types import typed
from mtl.tasks import find

Split = Literal["train", "val", "test"]
Sample = dict[str, Any]


class Place(NamedTuple):
    """Where an image was taken. A scan is a camera path or a point that several images of a scene share."""

    scene: str
    scan: str


class DenseDataset(Dataset[Sample], ABC):
    """Map-style dataset of images with the labels of the requested tasks.

    A subclass must define:

    - `available`: the tasks it has labels for;
    - `__len__` and `read`;
    - `places`, if its images are views of scenes;
    - `class_names` by task, if its classes have names;
    - `first_numbers`: the number of the first class by task, if its files do not count from 0.

    `tasks` are the requested tasks. `reads` are those that `read` loads: the requested ones and those that the
    transform needs in addition, which are not part of batches. How transforms change a label is defined in `mtl.tasks`.

    Increase `version` with every change to what `read` returns: caches of other versions are then not used.
    """

    available: ClassVar[tuple[str, ...]]
    version: ClassVar[int] = 1
    class_names: ClassVar[Mapping[str, Sequence[str]]] = {}
    first_numbers: ClassVar[Mapping[str, int]] = {}

    def __init__(self, split: Split, tasks: Sequence[str], transform: Callable[[Sample], Sample] | None = None) -> None:
        if split not in get_args(Split):
            raise ValueError(f"split is {split!r}; use one of {', '.join(get_args(Split))}")
        unknown = [task for task in tasks if task not in self.available]
        if unknown or not tasks or len(set(tasks)) < len(tasks):
            raise ValueError(
                f"tasks are {list(tasks)}; {type(self).__name__} needs one or more of "
                f"{', '.join(self.available)}, each once"
            )
        self.split: Split = split
        missing = [task for task in needs(transform) if task not in self.available]
        if missing:
            raise ValueError(
                f"{needs(transform)[missing[0]]} needs the labels of {missing[0]}, and {type(self).__name__} has only "
                f"{', '.join(self.available)}"
            )
        self.tasks = tuple(task for task in self.available if task in tasks)
        self.reads = tuple(task for task in self.available if task in tasks or task in needs(transform))
        for task in self.reads:
            find(task)
        self.transform = transform

    @abstractmethod
    def __len__(self) -> int:
        """Number of images in the split."""

    @abstractmethod
    def read(self, index: int) -> Sample:
        """Load one sample in natural units, before any transform.

        Args:
            index: Position in the split, from 0 to len(self) - 1.

        Returns:
            Arrays `image`, uint8, shape [3, H, W], and one per task of `reads`, shape [C, H, W]; the dict `meta`
            (id, size, padding); outside training, if edges are a task, also their ground truth `boundary`: thin
            lines, bool, or the regions of a partition, int16 or wider, shape [1, H, W].
        """

    def about(self) -> dict[str, Any]:
        """Information about the data for the record of a run, such as the number of images.

        Under `fingerprint` it may have a hash of the files that are read for `image` and for each label.
        """
        return {"images": len(self)}

    def places(self) -> Sequence[Place] | None:
        """Scene and scan of every image, in the order of the split; None where images are not views of scenes."""
        return None

    def __getitem__(self, index: int) -> Sample:
        sample = {key: self._typed(key, value) for key, value in self.read(index).items()}
        if self.transform is not None:
            sample = self.transform(sample)
        spare = set(self.reads) - set(self.tasks)
        return {key: value for key, value in sample.items() if key not in spare} if spare else sample

    @staticmethod
    def _typed(key: str, value: Any) -> Any:
        if not isinstance(value, np.ndarray):
            return value
        values = torch.from_numpy(value)
        return tv_tensors.Image(values) if key == "image" else typed(key, values)


def needs(transform: Any) -> Mapping[str, str]:
    """Tasks whose labels a transform or a pipeline uses, each with the name of the step that uses them."""
    own: dict[str, str] = dict.fromkeys(getattr(transform, "needs", ()), type(transform).__name__)
    for step in getattr(transform, "transforms", ()):
        own |= needs(step)
    return own
