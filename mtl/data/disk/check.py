"""Checks the files of a dataset in threads, skipping those already known to be good."""

import logging
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, ClassVar, Protocol

import filelock
from tqdm import tqdm

from mtl.data.base import Split
from mtl.data.disk.manifest import Manifest
from mtl.data.stored import DamagedFileError

log = logging.getLogger(__name__)

THREADS = min(16, os.cpu_count() or 1)  # decoding releases the GIL, so threads suffice


class Checkable(Protocol):
    """What the check asks of a split; see `DiskDataset`."""

    word: ClassVar[str]
    title: ClassVar[str]
    split: Split
    root: Path
    manifest: Path
    ids: list[str]

    def files(self, id: str) -> dict[str, list[Path]]:
        """Files of the image and of each label."""
        ...

    def whole(self, id: str) -> Any:
        """Reads the image and its labels."""

    def variant(self, path: Path) -> str | None:
        """Which known archive the folder comes from."""


def find_problems(dataset: Checkable, thorough: bool) -> tuple[dict[str, str], dict[str, str]]:
    """Checks the images of a dataset; good files are added to its manifest.

    Of several concurrent processes, one reads the files and the others wait for its manifest.

    Args:
        dataset: The split to check.
        thorough: Whether to compare the checksums even of files whose size and time are unchanged.

    Returns:
        Problems by id, and for `image` and each label a hash of the files of the good images.
    """
    with locked(dataset.manifest):
        manifest = Manifest(dataset.manifest, dataset.root)
        with ThreadPoolExecutor(THREADS) as pool:
            known = (
                [False] * len(dataset.ids) if thorough else pool.map(partial(untouched, dataset, manifest), dataset.ids)
            )
            ids = [id for id, seen in zip(dataset.ids, known, strict=True) if not seen]
            found = pool.map(partial(problem, dataset, manifest), ids)
            title = f"checking {dataset.word} {dataset.split}"
            try:
                found = list(tqdm(found, title, len(ids), unit="img", mininterval=1, delay=1, disable=not ids))
            finally:
                save(dataset, manifest)  # an interrupted check continues from here
    problems = {id: reason for id, reason in zip(ids, found, strict=True) if reason}
    files: dict[str, list[Path]] = {}
    for id in dataset.ids:
        if id not in problems:
            for key, paths in dataset.files(id).items():
                files.setdefault(key, []).extend(paths)
    return problems, {key: manifest.digest(paths) for key, paths in files.items()}


def untouched(dataset: Checkable, manifest: Manifest, id: str) -> bool:
    """Whether all files of the image are known to be good and unchanged."""
    return all(manifest.untouched(file) for files in dataset.files(id).values() for file in files)


def problem(dataset: Checkable, manifest: Manifest, id: str) -> str | None:
    """What is wrong with the image or its labels; None if nothing is."""
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


def save(dataset: Checkable, manifest: Manifest) -> None:
    """Write the manifest if it has changed, and report good files whose contents have changed."""
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
    """Exclude other processes, if the folder is writable."""
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
