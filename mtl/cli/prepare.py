"""Gets a dataset ready: from an archive on this machine, or from an address; what is ready stays as it is."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hydra.utils import get_class
from omegaconf import DictConfig, OmegaConf

from mtl import build
from mtl.data.disk import DiskDataset, MissingDatasetError
from mtl.data.disk.manifest import Manifest
from mtl.data.fetch import UnavailableError, download, extract

SPLITS = ("train", "val", "test")
ARCHIVES = (".tar", ".tgz", ".gz", ".bz2", ".xz")


@dataclass(frozen=True)
class Source:
    """Where a dataset comes from.

    Args:
        word: Its name on the command line.
        urls: Addresses of its archive, the best first; none where a licence has to be signed.
        by_hand: What to do where no address works, or there is none.
        licence: What its makers say about its use.
    """

    word: str
    urls: tuple[str, ...]
    by_hand: str
    licence: str


def prepare(source: Source) -> None:
    """Do what the words of the command line ask for.

    `archive=FILE` (or a folder of them, or several with commas) and `url=ADDRESS` (or several) say where from, `data=`
    where to; other words are those of train.py. Without any, a dataset that is there is checked thoroughly, and one
    that is not is fetched.

    Raises:
        ValueError: There is no archive to be had, or it does not hold the dataset.
    """
    own, words = split_words(sys.argv[1:], ("archive", "url"))
    cfg = build.compose([f"dataset={source.word}", *words])
    kind: type[DiskDataset] = get_class(cfg.dataset.train._target_)
    place = Path(cfg.dataset.train.root)
    try:
        root = kind.locate(place)
    except MissingDatasetError:
        root = None
    if root and is_good(cfg, thorough=not own, change=bool(own)):
        print("it was there before, and nothing was unpacked")
        return
    archives = on_disk(own["archive"]) if "archive" in own else [fetch(source, kind, place, own.get("url"))]
    for folder in {place} | ({root} if root and not root.is_relative_to(place) else set()):
        set_aside(folder)
    try:
        extract(archives, place)
    except ValueError:
        if "archive" not in own:
            archives[0].unlink()  # the next command shall fetch it again
        raise
    report(open_splits(cfg))
    print(f"licence: {source.licence}")
    if "archive" not in own:
        print(f"not needed any more: {archives[0]}")


def split_words(words: Sequence[str], own: Sequence[str]) -> tuple[dict[str, str], list[str]]:
    """Values of the words that are a script's own, and the words that are left.

    Args:
        words: Of the command line.
        own: Names that the script knows.
    """
    pairs = {name: word for word in words if (name := word.partition("=")[0]) in own}
    return {name: word.partition("=")[2] for name, word in pairs.items()}, [w for w in words if w not in pairs.values()]


def open_split(cfg: DictConfig, name: str, tasks: Sequence[str]) -> Any:
    """A split of the dataset without its transforms.

    Args:
        cfg: The composed config.
        name: Of the split.
        tasks: Tasks whose labels are read.

    Raises:
        ValueError: The dataset has no such split.
    """
    splits = [split for split in SPLITS if split in cfg.dataset]
    if name not in splits:
        raise ValueError(f"split={name}: {cfg.dataset.name} has {', '.join(splits)}")
    arguments = OmegaConf.to_container(cfg.dataset[name], resolve=True)
    return get_class(arguments.pop("_target_"))(**arguments | {"tasks": list(tasks), "transform": None})


def open_splits(cfg: DictConfig, thorough: bool = False) -> list[DiskDataset]:
    """All splits with all labels, checked; thoroughly, where the checksum of every file is compared."""
    opened = [open_split(cfg, name, list(cfg.dataset.tasks)) for name in SPLITS if name in cfg.dataset]
    for dataset in opened if thorough else ():
        dataset.check(thorough=True)
    return opened


def is_good(cfg: DictConfig, thorough: bool, change: bool) -> bool:
    """Whether the dataset that is there is whole; says so, or what is wrong.

    Args:
        cfg: The composed config.
        thorough: Whether all checksums are compared.
        change: Whether another archive can take its place; otherwise what is wrong is raised.
    """
    try:
        report(open_splits(cfg, thorough))
    except ValueError as error:
        if not change:
            raise
        print(f"what is there is not whole: {error}")
        return False
    return True


def report(splits: Sequence[DiskDataset]) -> None:
    """Prints what the dataset is."""
    first = splits[0]
    counts = ", ".join(f"{len(split):,} {split.split}" for split in splits)
    files = len(Manifest(first.manifest, first.root))
    print(f"{first.title}, {first.variant(first.root)}: {first.root}")
    print(f"{counts} images; {files:,} files are good, their sha256 is in {first.manifest}")
    print(f"python train.py dataset={first.word}")


def on_disk(word: str) -> list[Path]:
    """The archives that the word names.

    Raises:
        ValueError: There are none.
    """
    found = []
    for path in map(Path, word.split(",")):
        inside = sorted(entry for entry in path.iterdir() if entry.suffix in ARCHIVES) if path.is_dir() else [path]
        if not inside:
            raise ValueError(f"archive={path}: no tar archive in it; a folder that is unpacked already is data=FOLDER")
        if not inside[0].is_file():
            raise ValueError(f"archive={path}: no such file")
        found += inside
    return found


def fetch(source: Source, kind: type[DiskDataset], place: Path, urls: str | None) -> Path:
    """The archive, downloaded beside the place of the dataset.

    Raises:
        ValueError: No address gives it.
    """
    known = urls.split(",") if urls else source.urls
    by_hand = f"{source.by_hand}, then {kind.command()} ARCHIVE=FILE"
    if not known:
        raise ValueError(f"{kind.title} has to be fetched by hand: {by_hand}")
    try:
        return download(known, place.parent, source.word)
    except UnavailableError as error:
        raise ValueError(f"no address gives {kind.title} ({error}): {by_hand}") from error


def set_aside(folder: Path) -> None:
    """Renames what is there, if anything is, so that it is found no more and nothing is lost."""
    if not folder.exists():
        return
    names = (folder.with_name(f"{folder.name}.old{number or ''}") for number in range(1000))
    name = next(name for name in names if not name.exists())
    folder.rename(name)
    print(f"set aside: {name}")
