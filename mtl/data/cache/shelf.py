"""Reads and verifies the files of a cache."""

import mmap
import os
import weakref
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mtl.data.base import Sample
from mtl.files import read_json


class Shelf:
    """One label of all images: concatenated bytes in one file, type and shapes in another."""

    def __init__(self, folder: Path, key: str) -> None:
        self.place = (folder, key)
        index = read_json(folder / f"{key}.json", {"dtype": str, "shapes": [[int]]})
        self.dtype, self.shapes = np.dtype(index["dtype"]), index["shapes"]
        sizes = [int(np.prod(shape)) * self.dtype.itemsize for shape in self.shapes]
        self.starts = np.cumsum([0, *sizes])
        if (folder / f"{key}.bin").stat().st_size != self.starts[-1]:
            raise ValueError(f"{folder / key}.bin does not have {self.starts[-1]} bytes")
        self.file = os.open(folder / f"{key}.bin", os.O_RDONLY)
        weakref.finalize(self, os.close, self.file)

    def __len__(self) -> int:
        return len(self.shapes)

    def __getitem__(self, index: int) -> NDArray[Any]:
        start, stop = (int(place) for place in self.starts[index : index + 2])
        page = start - start % mmap.ALLOCATIONGRANULARITY
        # A mapping of its own for every read: writing to the array changes neither the file nor other reads.
        pages = mmap.mmap(self.file, stop - page, access=mmap.ACCESS_COPY, offset=page)
        return np.ndarray(self.shapes[index], self.dtype, pages, start - page)

    def __reduce__(self) -> tuple:
        return Shelf, self.place  # a spawned worker opens the file itself


class Metas:
    """The `meta` of all images."""

    def __init__(self, folder: Path, key: str) -> None:
        self.metas = read_json(folder / f"{key}.json", [dict])

    def __len__(self) -> int:
        return len(self.metas)

    def __getitem__(self, index: int) -> dict[str, Any]:
        return {key: tuple(value) if isinstance(value, list) else value for key, value in self.metas[index].items()}


def missing_from(folder: Path, probes: Mapping[int, Sample], length: int) -> list[str]:
    """Keys that are incomplete in the folder, or differ from the samples.

    Args:
        folder: The cache.
        probes: Samples of the source by index.
        length: Number of images.
    """

    def held(key: str) -> bool:
        try:
            shelf = Metas(folder, key) if key == "meta" else Shelf(folder, key)
            return len(shelf) == length and all(equal(shelf[i], sample[key]) for i, sample in probes.items())
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return False

    return [key for key in probes[0] if not held(key)]


def equal(one: Any, other: Any) -> bool:
    """Whether two values of a sample are equal, bit for bit."""
    if isinstance(one, np.ndarray):
        return (one.dtype, one.shape, one.tobytes()) == (other.dtype, other.shape, other.tobytes())
    return one == other
