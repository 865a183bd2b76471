"""Index of objects with parts in the images of PASCAL-Context: `ImageSets/Parts/<split>.txt`, built if absent."""

import logging
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tqdm import tqdm

from mtl.data.disk.check import THREADS, locked
from mtl.data.pascal_labels import PERSON, categories
from mtl.data.stored import DamagedFileError
from mtl.files import read_json, write_json

log = logging.getLogger(__name__)

Index = dict[str, list[int]]


def object_index(root: Path, split: str, ids: Sequence[str]) -> Index:
    """VOC classes of the objects in every image of the split.

    If the file is absent or belongs to other images, it is built from the part annotations and written atomically. Of
    several processes, one builds it.

    Args:
        root: Folder of the dataset.
        split: `train` or `val`.
        ids: Images of the split.
    """
    path = root / "ImageSets" / "Parts" / f"{split}.txt"
    if (known := read_index(path, ids)) is not None:
        return known
    with locked(path.parents[2] / f".{split}.parts"):
        known = read_index(path, ids)
        return make_index(path, root / "human_parts", ids) if known is None else known


def read_index(path: Path, ids: Sequence[str]) -> Index | None:
    """The index in the file; None if there is no file or it belongs to other images."""
    if not path.is_file():
        return None
    try:
        index = read_json(path, {"*": [int]})
    except ValueError as error:
        raise DamagedFileError(f"{path}: not an index of objects ({error}); delete it to have it rebuilt") from error
    return index if index.keys() == set(ids) else None


def make_index(path: Path, folder: Path, ids: Sequence[str]) -> Index:
    """Build the index, and write it to the file if all annotations can be read.

    Args:
        path: The file.
        folder: Folder with the annotations <id>.mat.
        ids: The images.
    """

    def look(id: str) -> list[int] | None:
        try:
            return categories(folder / f"{id}.mat")
        except DamagedFileError:
            return None

    with ThreadPoolExecutor(THREADS) as pool:
        found = list(tqdm(pool.map(look, ids), f"indexing objects {path.stem}", len(ids), mininterval=1, delay=1))
    if None not in found:
        try:
            write_json(path, dict(zip(ids, found, strict=True)))
        except OSError as error:
            log.warning("%s: %s, so the next run builds the index again", path, error.strerror)
    # An unreadable annotation may show a person: keep the image, so that the check of the dataset reports the file.
    return {id: [PERSON] if classes is None else classes for id, classes in zip(ids, found, strict=True)}
