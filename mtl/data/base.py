"""What every dataset of dense tasks shares: raw arrays in, typed and transformed samples out."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any, ClassVar, Literal, get_args

import numpy as np
import torch
from torch.utils.data import Dataset
from torchvision import tv_tensors

from mtl.data.transforms.types import Depth, Normals

Split = Literal["train", "val", "test"]
Sample = dict[str, Any]

TYPES = {"image": tv_tensors.Image, "depth": Depth, "normals": Normals}


class DenseDataset(Dataset[Sample], ABC):
    """A map from an index to one image and the labels of the requested tasks.

    A subclass names the tasks it has labels for in `available` and implements `__len__` and `read`.
    """

    available: ClassVar[tuple[str, ...]]

    def __init__(self, split: Split, tasks: Sequence[str], transform: Callable[[Sample], Sample] | None = None) -> None:
        if split not in get_args(Split):
            raise ValueError(f"split is {split!r}; use one of {', '.join(get_args(Split))}")
        unknown = [task for task in tasks if task not in self.available]
        if unknown or not tasks or len(set(tasks)) < len(tasks):
            raise ValueError(
                f"tasks are {list(tasks)}; {type(self).__name__} needs one or more of "
                f"{', '.join(self.available)}, each once"
            )
        self.split = split
        self.tasks = tuple(task for task in self.available if task in tasks)
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
            Arrays `image`, uint8, shape [3, H, W], and one per requested task, shape [C, H, W]; the dict `meta`
            (id, size, padding); outside training also what edges are scored against, `boundary`: thin lines, bool, or
            the regions of a partition, int16 or more, shape [1, H, W].
        """

    def __getitem__(self, index: int) -> Sample:
        sample = {key: self._typed(key, value) for key, value in self.read(index).items()}
        return sample if self.transform is None else self.transform(sample)

    @staticmethod
    def _typed(key: str, value: Any) -> Any:
        if not isinstance(value, np.ndarray):
            return value
        return TYPES.get(key, tv_tensors.Mask)(torch.from_numpy(value))
