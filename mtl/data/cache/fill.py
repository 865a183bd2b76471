"""Writes the files of a cache: a dataset is read from one end to the other, in order, by several processes."""

import errno
import os
import shutil
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import DataLoader, Dataset
from tqdm import tqdm

from mtl.data.base import DenseDataset, Sample
from mtl.data.loader import single_threaded
from mtl.files import write_json


def check_room(folder: Path, arrays: Sequence[NDArray[Any]], length: int) -> None:
    """Refuses to begin what the disk cannot hold.

    Args:
        folder: Where the files will be.
        arrays: Of an image like all others.
        length: Number of images.
    """
    needed, free = length * sum(array.nbytes for array in arrays), shutil.disk_usage(folder).free
    if needed > free:
        reason = f"{os.strerror(errno.ENOSPC)}: about {needed >> 20} MiB needed for a cache, {free >> 20} MiB free"
        raise OSError(errno.ENOSPC, reason, str(folder))


def fill(folder: Path, source: DenseDataset, keys: Sequence[str], workers: int) -> None:
    """Reads the whole dataset and writes these of its keys.

    Args:
        folder: Where to, no other process writing to it.
        source: What to read.
        keys: Labels, `image` and `meta`.
        workers: Processes that read.
    """
    maps = [key for key in keys if key != "meta"]
    for key in maps:
        (folder / f"{key}.json").unlink(missing_ok=True)  # an index stands for a whole file
    types: dict[str, set[str]] = {key: set() for key in maps}
    shapes: dict[str, list] = {key: [] for key in maps}
    metas = []
    loader = DataLoader(
        Readings(source),
        batch_size=None,
        num_workers=workers,
        collate_fn=_as_it_is,
        worker_init_fn=single_threaded,
        generator=torch.Generator(),  # for the seed of its workers, else drawn from the state that dropout uses
    )
    with ExitStack() as stack:
        files = {key: stack.enter_context(open(folder / f"{key}.unfinished", "wb")) for key in maps}
        for sample in tqdm(loader, desc=f"caching {type(source).__name__} {source.split}", unit="img", mininterval=1):
            metas.append(sample["meta"])
            for key, file in files.items():
                file.write(np.ascontiguousarray(sample[key]))
                types[key].add(sample[key].dtype.str)
                shapes[key].append(sample[key].shape)
        for file in files.values():
            file.flush()
            os.fsync(file.fileno())
    for key in maps:
        if len(types[key]) > 1:
            raise ValueError(f"{key} is of several types in {type(source).__name__}: {', '.join(sorted(types[key]))}")
        os.replace(folder / f"{key}.unfinished", folder / f"{key}.bin")
        write_json(folder / f"{key}.json", {"dtype": types[key].pop(), "shapes": shapes[key]})
    if "meta" in keys:
        write_json(folder / "meta.json", metas)


class Readings(Dataset[Sample]):
    """What a dataset reads, before types and transforms."""

    def __init__(self, source: DenseDataset) -> None:
        self.source = source

    def __len__(self) -> int:
        return len(self.source)

    def __getitem__(self, index: int) -> Sample:
        return self.source.read(index)


def _as_it_is(sample: Sample) -> Sample:
    return sample
