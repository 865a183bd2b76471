"""Base class of datasets on disk: they are located, checked before the first image, and read by id."""

import logging
from abc import abstractmethod
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, ClassVar, Literal, get_args

import numpy as np

from mtl.data.base import DenseDataset, Sample, Split
from mtl.data.disk.check import find_problems
from mtl.data.stored import DamagedFileError, check_size
from mtl.image_list import read_ids
from mtl.places import INSTALLED

log = logging.getLogger(__name__)

OnError = Literal["raise", "skip"]


class MissingDatasetError(ValueError):
    """The dataset was not found."""


class DiskDataset(DenseDataset):
    """A split of a dataset, read from its unpacked archive.

    The constructor checks every file that will be read. Files that pass are recorded in a manifest next to the
    dataset's folder, and only new or changed files are checked again. A subclass implements `variant`, `files` and
    `arrays`, and sets `lists` or implements `list_ids` and `tally`.
    """

    word: ClassVar[str]  # name on the command line
    title: ClassVar[str]  # name in messages
    folders: ClassVar[tuple[str, ...]]  # folders that its archives unpack to
    splits: ClassVar[tuple[str, ...]] = ("train", "val")
    lists: ClassVar[str] = ""  # file with the ids of a split, where there is one

    def __init__(
        self,
        *,
        root: str | Path,
        split: Split,
        tasks: Sequence[str],
        images: int | None,
        on_error: OnError,
        transform: Callable[[Sample], Sample] | None = None,
    ) -> None:
        """Find the dataset and check it.

        Args:
            root: Folder of the dataset; the folders that its archives unpack to are looked for in it and next to it.
            split: The split.
            tasks: Tasks whose labels are read.
            images: Required number of images; None accepts any.
            on_error: What to do about a training image with a damaged or missing file: `raise`, or `skip` it. Images
                for evaluation are never skipped.
            transform: Applied to each sample.

        Raises:
            ValueError: The dataset is missing or incomplete.
        """
        super().__init__(split, tasks, transform)
        if on_error not in get_args(OnError):
            raise ValueError(f"dataset.on_error={on_error}: use {' or '.join(get_args(OnError))}")
        if split not in self.splits:
            raise ValueError(f"{self.title} has no split {split}, only {' and '.join(self.splits)}")
        self.on_error = on_error
        self.place = Path(root)
        self.root = self.locate(self.place)
        self.manifest = self.place.with_name(f"{self.place.name}.manifest.json")
        ids = self.list_ids()
        self._check_ids(ids, images)
        self.ids = self.choose(ids)
        self.left_out: dict[str, str] = {}  # problem by id of a skipped image
        self.fingerprint: dict[str, str] = {}  # hash of the files of `image` and of each label
        self.check()

    @classmethod
    def locate(cls, place: Path) -> Path:
        """The folder that holds the dataset.

        Raises:
            MissingDatasetError: There is no such folder.
            ValueError: There are several.
        """
        around = [place, *(place / name for name in cls.folders), *(place.parent / name for name in cls.folders)]
        found = {path.resolve(): path for path in reversed(around) if path.is_dir() and cls.variant(path)}
        if len(found) > 1:
            raise ValueError(
                f"found {len(found)} copies of {cls.title} ({', '.join(map(str, found.values()))}): keep one"
            )
        if not found:
            inside = sorted(path.name for path in place.iterdir())[:4] if place.is_dir() else []
            held = f", only {', '.join(inside)}" if inside else ""
            raise MissingDatasetError(
                f"no {cls.title} in {place}{held}: fetch it with {cls.command()}, or from an archive that you have "
                f"with {cls.command()} ARCHIVE=FILE, or give data=FOLDER with {' or '.join(cls.folders)} in it"
            )
        return next(iter(found.values()))

    @classmethod
    @abstractmethod
    def variant(cls, path: Path) -> str | None:
        """Which known archive the folder comes from; None if it does not contain this dataset."""

    @classmethod
    def tally(cls, root: Path) -> str:
        """Number of images by split, without reading them."""
        paths = {split: root / cls.lists.format(split=split) for split in cls.splits}
        counts = {split: len(read_ids(path)) for split, path in paths.items() if path.is_file()}
        return f"{', '.join(f'{count} {split}' for split, count in counts.items())} images"

    def list_ids(self) -> list[str]:
        """Ids of the images of the split."""
        return self.read_list(self.root / self.lists.format(split=self.split))

    def choose(self, ids: list[str]) -> list[str]:
        """The images of the split that can be used for the tasks."""
        return ids

    @abstractmethod
    def files(self, id: str) -> dict[str, list[Path]]:
        """The files that `arrays` reads for `image` and for each label."""

    @abstractmethod
    def arrays(self, id: str) -> dict[str, np.ndarray]:
        """The image and the labels of the tasks, shape [C, H, W]; outside training also the `boundary` of edges."""

    @property
    def may_skip(self) -> bool:
        """Whether to skip images with damaged files."""
        return self.on_error == "skip" and self.split == "train"

    @property
    def fix(self) -> str:
        """Advice for damaged files, for messages."""
        other = ", or train without such images: dataset.on_error=skip" if self.split == "train" else ""
        return f"extract the archive again ({self.command()} ARCHIVE=FILE){other}"

    @classmethod
    def command(cls) -> str:
        """Command that fetches the dataset."""
        return f"{'in a checkout: ' * INSTALLED}make data-{cls.word.replace('_', '-')}"

    def about(self) -> dict[str, Any]:
        """The archive of the split, its number of images, those skipped as damaged, and a hash of the files read."""
        facts = {"variant": self.variant(self.root), "left_out": list(self.left_out), "fingerprint": self.fingerprint}
        return super().about() | facts

    def __len__(self) -> int:
        return len(self.ids)

    def read(self, index: int) -> Sample:
        """Load image and labels from their files; see `DenseDataset.read`."""
        id = self.ids[index]
        try:
            arrays = self.whole(id)
        except DamagedFileError as error:
            raise DamagedFileError(f"{error}; {self.fix}") from error
        return arrays | {"meta": {"id": id, "size": arrays["image"].shape[1:], "padding": (0, 0)}}

    def whole(self, id: str) -> dict[str, np.ndarray]:
        """The arrays of an image, checked to have the same size."""
        arrays = self.arrays(id)
        for key, files in self.files(id).items():
            if files and key in arrays:
                check_size(files[0], arrays[key], arrays["image"].shape[1:])
        return arrays

    def check(self, thorough: bool = False) -> None:
        """Check every file that is not known to be good; skip or reject images with problems.

        Args:
            thorough: Whether to compare the checksums even of files whose size and time are unchanged.

        Raises:
            ValueError: Files are damaged or missing.
        """
        problems, self.fingerprint = find_problems(self, thorough)
        if not problems:
            return
        few = "; ".join(list(problems.values())[:3]) + (f"; and {len(problems) - 3} more" if len(problems) > 3 else "")
        line = f"{len(problems)} of {len(self)} {self.split} images of {self.title} cannot be used: {few}"
        if not self.may_skip or len(problems) == len(self):
            raise DamagedFileError(f"{line}; {self.fix}")
        log.warning("skipped: %s", line)
        self.left_out |= problems
        self.ids = [id for id in self.ids if id not in problems]

    def read_list(self, path: Path) -> list[str]:
        """Ids of a file with one per line."""
        try:
            return read_ids(path)
        except ValueError as error:
            raise DamagedFileError(f"{error}; {self.fix}") from error

    def _check_ids(self, ids: list[str], images: int | None) -> None:
        """Reject duplicate ids, and a wrong number of ids."""
        twice = [id for id, count in Counter(ids).items() if count > 1]
        if twice:
            place = self.root / self.lists.format(split=self.split)
            raise ValueError(f"{place}: {twice[0]} is listed twice: delete one of the lines")
        if images is not None and len(ids) != images:
            raise ValueError(
                f"{self.root}: split {self.split} of {self.title} has {len(ids)} images, not {images}; {self.fix}, "
                f"or, if this is intended, give dataset.{self.split}.images={len(ids)}"
            )
