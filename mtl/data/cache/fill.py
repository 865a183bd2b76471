"""Writes the files of a cache by reading a dataset in order with several processes."""

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
from mtl.data.loader import set_up_worker
from mtl.files import naming, write_json


def check_room(folder: Path, arrays: Sequence[NDArray[Any]], length: int, share: float) -> None:
    """Check that the disk has enough space for the files.

    Args:
        folder: Folder of the files.
        arrays: Arrays of a typical image.
        length: Number of images.
        share: Largest part of the free space that they may take.
    """
    needed, free = length * sum(array.nbytes for array in arrays), shutil.disk_usage(folder).free
    if needed > share * free:
        reason = f"{os.strerror(errno.ENOSPC)}: about {needed >> 20} MiB needed for a cache, {free >> 20} MiB free"
        raise OSError(errno.ENOSPC, reason, str(folder))


def fill(folder: Path, source: DenseDataset, keys: Sequence[str], workers: int) -> None:
    """Read the whole dataset and write the given keys.

    Args:
        folder: Destination; no other process may write to it.
        source: The dataset.
        keys: Labels, `image` and `meta`.
        workers: Reading processes.
    """
    maps = [key for key in keys if key != "meta"]
    for key in maps:
        (folder / f"{key}.json").unlink(missing_ok=True)  # an index marks a complete file
    types: dict[str, set[str]] = {key: set() for key in maps}
    shapes: dict[str, list] = {key: [] for key in maps}
    metas = []
    loader = DataLoader(
        Readings(source),
        batch_size=None,
        num_workers=workers,
        collate_fn=_identity,
        worker_init_fn=set_up_worker,
        generator=torch.Generator(),  # draws the seed of the workers, instead of the global state that dropout uses
    )
    parts = {key: folder / f"{key}.unfinished" for key in maps}
    with ExitStack() as stack:
        for part in parts.values():
            stack.callback(part.unlink, missing_ok=True)  # a full disk gets its space back
        files = {key: stack.enter_context(open(part, "wb")) for key, part in parts.items()}
        for sample in tqdm(loader, desc=f"caching {type(source).__name__} {source.split}", unit="img", mininterval=1):
            metas.append(sample["meta"])
            for key, file in files.items():
                with naming(parts[key]):
                    file.write(np.ascontiguousarray(sample[key]).data)
                types[key].add(sample[key].dtype.str)
                shapes[key].append(sample[key].shape)
        for key, file in files.items():
            with naming(parts[key]):
                file.flush()
                os.fsync(file.fileno())
        for key, part in parts.items():
            if len(types[key]) > 1:
                raise ValueError(f"{key} has several types in {type(source).__name__}: {', '.join(sorted(types[key]))}")
            os.replace(part, folder / f"{key}.bin")
            write_json(folder / f"{key}.json", {"dtype": types[key].pop(), "shapes": shapes[key]})
    if "meta" in keys:
        write_json(folder / "meta.json", metas)


class Readings(Dataset[Sample]):
    """The samples of a dataset as `read` returns them, without types and transforms."""

    def __init__(self, source: DenseDataset) -> None:
        self.source = source

    def __len__(self) -> int:
        return len(self.source)

    def __getitem__(self, index: int) -> Sample:
        return self.source.read(index)


def _identity(sample: Any) -> Any:
    return sample
