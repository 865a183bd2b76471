"""Prepares a dataset from an archive on this machine or from an address; a dataset that is complete is kept."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hydra.utils import get_class
from omegaconf import DictConfig

from mtl import build
from mtl.data.disk import DiskDataset, MissingDatasetError
from mtl.data.disk.manifest import Manifest
from mtl.data.fetch import UnavailableError, download, extract
from mtl.places import as_called

SPLITS = ("train", "val", "test")
OWN = {
    "archive": ("", "archive on this machine, a folder of archives, or several with commas"),
    "url": ("", "address of the archive, or several with commas; without either word those known are tried"),
}
ARCHIVES = (".tar", ".tgz", ".gz", ".bz2", ".xz")


@dataclass(frozen=True)
class Source:
    """Where a dataset comes from.

    Args:
        word: Its name on the command line.
        urls: Addresses of its archive, the best first; empty if a licence must be signed first.
        by_hand: What to do if no address works, or there is none.
        licence: Terms of use.
    """

    word: str
    urls: tuple[str, ...]
    by_hand: str
    licence: str


def prepare(source: Source, own: Mapping[str, str], words: Sequence[str]) -> None:
    """Prepares the dataset in the folder that `data=` names.

    Without an archive or address, a dataset that exists is checked thoroughly, and one that does not is downloaded.

    Args:
        source: The dataset.
        own: Values of the words `OWN`.
        words: Words of train.py.

    Raises:
        ValueError: No archive can be found, or it does not contain the dataset.
    """
    given = bool(own["archive"] or own["url"])
    cfg = build.compose([f"dataset={source.word}", *words])
    kind: type[DiskDataset] = get_class(cfg.dataset.train._target_)
    place = Path(cfg.dataset.train.root)
    try:
        root = kind.locate(place)
    except MissingDatasetError:
        root = None
    if root and is_good(cfg, thorough=not given, change=given):
        print("it was there already, nothing was unpacked")
        return
    archives = on_disk(own["archive"]) if own["archive"] else [fetch(source, kind, place, own["url"])]
    for folder in {place} | ({root} if root and not root.is_relative_to(place) else set()):
        set_aside(folder)
    try:
        extract(archives, place)
    except ValueError:
        if not own["archive"]:
            archives[0].unlink()  # the next command must download it again
        raise
    report(open_splits(cfg))
    print(f"licence: {source.licence}")
    if not own["archive"]:
        print(f"no longer needed: {archives[0]}")


def check_split(cfg: DictConfig, name: str) -> None:
    """Refuses the name of a split that the dataset does not have.

    Raises:
        ValueError: It does not have it.
    """
    splits = [split for split in SPLITS if split in cfg.dataset]
    if name not in splits:
        raise ValueError(f"split={name}: {cfg.dataset.name} has {', '.join(splits)}")


def open_split(cfg: DictConfig, name: str, tasks: Sequence[str]) -> Any:
    """A split of the dataset without its transforms.

    Args:
        cfg: The composed config.
        name: The split.
        tasks: Tasks whose labels are read.

    Raises:
        ValueError: The dataset has no such split.
    """
    check_split(cfg, name)
    arguments = build.as_dict(cfg.dataset[name])
    return get_class(arguments.pop("_target_"))(**arguments | {"tasks": list(tasks), "transform": None})


def open_splits(cfg: DictConfig, thorough: bool = False) -> list[DiskDataset]:
    """All splits with all labels, checked; a thorough check compares the checksum of every file."""
    opened = [open_split(cfg, name, list(cfg.dataset.tasks)) for name in SPLITS if name in cfg.dataset]
    for dataset in opened if thorough else ():
        dataset.check(thorough=True)
    return opened


def is_good(cfg: DictConfig, thorough: bool, change: bool) -> bool:
    """Whether the dataset that exists is complete; prints what it is, or what is wrong with it.

    Args:
        cfg: The composed config.
        thorough: Whether all checksums are compared.
        change: Whether another archive can replace it; otherwise an incomplete dataset is an error.
    """
    try:
        report(open_splits(cfg, thorough))
    except ValueError as error:
        if not change:
            raise
        print(f"the dataset there is incomplete: {error}")
        return False
    return True


def report(splits: Sequence[DiskDataset]) -> None:
    """Prints what the dataset is."""
    first = splits[0]
    counts = ", ".join(f"{len(split):,} {split.split}" for split in splits)
    files = len(Manifest(first.manifest, first.root))
    print(f"{first.title}, {first.variant(first.root)}: {first.root}")
    print(f"{counts} images; {files:,} files passed the check, their sha256 is in {first.manifest}")
    print(as_called(f"python train.py dataset={first.word}"))


def on_disk(word: str) -> list[Path]:
    """The archives that `archive=` names.

    Raises:
        ValueError: There are none.
    """
    found = []
    for path in map(Path, [word] if Path(word).exists() else word.split(",")):
        inside = sorted(entry for entry in path.iterdir() if entry.suffix in ARCHIVES) if path.is_dir() else [path]
        if not inside:
            raise ValueError(
                f"archive={path}: no tar archive in it; for a folder that is already unpacked use data=FOLDER"
            )
        if not inside[0].is_file():
            raise ValueError(f"archive={path}: no such file")
        found += inside
    return found


def fetch(source: Source, kind: type[DiskDataset], place: Path, urls: str) -> Path:
    """The archive, downloaded next to the folder of the dataset.

    Raises:
        ValueError: No address works.
    """
    known = urls.split(",") if urls else source.urls
    by_hand = f"{source.by_hand}, then {kind.command()} ARCHIVE=FILE"
    if not known:
        raise ValueError(f"{kind.title} must be downloaded by hand: {by_hand}")
    try:
        return download(known, place.parent, source.word)
    except UnavailableError as error:
        raise ValueError(f"no address works for {kind.title} ({error}): {by_hand}") from error


def set_aside(folder: Path) -> None:
    """Renames a folder that exists, so that it is no longer found and nothing is lost."""
    if not folder.exists():
        return
    names = (folder.with_name(f"{folder.name}.old{number or ''}") for number in range(1000))
    name = next(name for name in names if not name.exists())
    folder.rename(name)
    print(f"kept the old folder as {name}")
