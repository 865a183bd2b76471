"""Cache of rendered rooms that all runs share: one memory-mapped array per label, about 17 bytes per pixel."""

import errno
import math
import os
import shutil
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

import numpy as np

from mtl.data.disk.manifest import Manifest
from mtl.data.rooms.produce import produce
from mtl.data.rooms.spec import LAYOUT, Spec
from mtl.files import hold


class Cache:
    """The images and labels of one split on disk. `arrays[name]` has shape [N, C, H, W].

    The folder is written under a temporary name and renamed when complete. If several processes need it at once,
    one renders and the others wait for the result.
    """

    def __init__(self, root: Path, spec: Spec, workers: int) -> None:
        self.recipe = (root, spec, workers)
        self.folder = folder = root / spec.name
        if not folder.exists():
            root.mkdir(parents=True, exist_ok=True)
            with hold(Path(f"{folder}.lock")):
                if not folder.exists():
                    _render(folder, spec, workers)
        self.arrays = {name: _open(folder, name, spec) for name in LAYOUT}

    def fingerprint(self, names: Iterable[str]) -> dict[str, str]:
        """Hash of the rendered file of each name. Files that have not changed since the last call are not read."""
        manifest = Manifest(self.folder / "manifest.json", self.folder)
        files = {name: self.folder / f"{name}.npy" for name in names}
        for file in files.values():
            if not manifest.untouched(file):
                manifest.add(file)
        with suppress(OSError):  # a folder that is not writable
            manifest.save("rooms")
        return {name: manifest.digest([file]) for name, file in files.items()}

    def __reduce__(self) -> tuple:
        # Pickling a memory map copies its data; a spawned worker must map the files itself.
        return Cache, self.recipe


def _shape(name: str, spec: Spec) -> tuple[int, int, int, int]:
    return len(spec), LAYOUT[name][0], spec.height, spec.width


def _bytes(name: str, spec: Spec) -> int:
    return math.prod(_shape(name, spec)) * np.dtype(LAYOUT[name][1]).itemsize


def _render(folder: Path, spec: Spec, workers: int) -> None:
    unfinished = folder.with_name(f"{folder.name}.unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir()
    needed, free = sum(_bytes(name, spec) for name in LAYOUT), shutil.disk_usage(unfinished).free
    if needed > free:  # writing a mapped file to a full disk kills the process without a message
        reason = f"{os.strerror(errno.ENOSPC)}: {needed >> 20} MiB needed, {free >> 20} MiB free"
        raise OSError(errno.ENOSPC, reason, str(folder))
    for name, (_, dtype) in LAYOUT.items():
        np.lib.format.open_memmap(unfinished / f"{name}.npy", "w+", dtype, _shape(name, spec)).flush()
    produce(unfinished, spec, workers)
    (unfinished / "spec.json").write_text(spec.text, encoding="utf-8")
    os.rename(unfinished, folder)


def _open(folder: Path, name: str, spec: Spec) -> np.ndarray:
    path = folder / f"{name}.npy"
    try:
        array = np.load(path, mmap_mode="r")
    except (OSError, ValueError, EOFError) as error:
        raise ValueError(f"{path} is damaged ({error}); delete the folder {folder} and run again") from error
    found, expected = (array.shape, array.dtype), (_shape(name, spec), LAYOUT[name][1])
    if found != expected:
        raise ValueError(
            f"{path} is damaged (it holds {found[0]} {found[1]}, not {expected[0]} {np.dtype(expected[1])}); "
            f"delete the folder {folder} and run again"
        )
    return array
