"""Reads what was not read before, in threads, and says what is wrong with it."""

import logging
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import filelock
from tqdm import tqdm

from mtl.data.disk.manifest import Manifest
from mtl.data.stored import DamagedFileError

if TYPE_CHECKING:
    from mtl.data.disk.dataset import DiskDataset

log = logging.getLogger(__name__)

THREADS = min(16, os.cpu_count() or 1)  # decoding leaves Python's lock, so threads are enough


def find_problems(dataset: "DiskDataset", thorough: bool) -> dict[str, str]:
    """What is wrong with images of the dataset, by their id; good files are added to its manifest.

    Of several processes that come here at once one reads the files, while the others wait for its manifest.

    Args:
        dataset: The split to check.
        thorough: Whether files that look untouched are compared with their checksum as well.
    """
    with locked(dataset.manifest):
        manifest = Manifest(dataset.manifest, dataset.root)
        with ThreadPoolExecutor(THREADS) as pool:
            known = [False] * len(dataset) if thorough else pool.map(partial(untouched, dataset, manifest), dataset.ids)
            ids = [id for id, seen in zip(dataset.ids, known, strict=True) if not seen]
            found = pool.map(partial(problem, dataset, manifest), ids)
            title = f"checking {dataset.word} {dataset.split}"
            try:
                found = list(tqdm(found, title, len(ids), unit="img", mininterval=1, delay=1, disable=not ids))
            finally:
                save(dataset, manifest)  # an interrupted check goes on where it was
    return {id: reason for id, reason in zip(ids, found, strict=True) if reason}


def untouched(dataset: "DiskDataset", manifest: Manifest, id: str) -> bool:
    """Whether all files of the image are known to be good."""
    return all(manifest.untouched(file) for files in dataset.files(id).values() for file in files)


def problem(dataset: "DiskDataset", manifest: Manifest, id: str) -> str | None:
    """What is wrong with the image or its labels; None where all is well."""
    files = {file for files in dataset.files(id).values() for file in files}
    if all(manifest.same(file) for file in files):
        return None
    try:
        dataset.whole(id)
    except DamagedFileError as error:
        return str(error)
    for file in files:
        manifest.add(file)
    return None


def save(dataset: "DiskDataset", manifest: Manifest) -> None:
    """Writes the manifest if there is news, and tells of good files that are not what they were."""
    if manifest.changed:
        log.warning(
            "%d files of %s are good, but have changed since they were first checked, such as %s",
            *(len(manifest.changed), dataset.title, manifest.changed[0]),
        )
    try:
        manifest.save(str(dataset.variant(dataset.root)))
    except OSError as error:
        log.warning("%s: %s, so the next run checks %s again", manifest.path, error.strerror, dataset.title)


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Keeps other processes waiting, where the folder can be written to."""
    lock = filelock.FileLock(f"{path}.lock")
    try:
        lock.acquire()
    except OSError:
        yield
        return
    try:
        yield
    finally:
        lock.release()
