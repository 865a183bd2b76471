"""NYUD-v2 with the labels of four tasks, from either of the two archives that multi-task papers use.

Silberman et al., Indoor Segmentation and Support Inference from RGBD Images, ECCV 2012.
https://cs.nyu.edu/~fergus/datasets/nyu_depth_v2.html
"""

from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path
from typing import ClassVar, Literal, get_args

import numpy as np

from mtl.data.base import Sample, Split
from mtl.data.class_names import NYUD as NAMES
from mtl.data.disk import DamagedFileError, DiskDataset
from mtl.data.disk.decode import (
    decode_normals,
    read_array,
    read_classes,
    read_image,
    read_numbers,
    read_pixels,
)

PLACES = {  # folder of each kind of file, and how it is stored in archive A and in archive B
    "image": ("images", (".jpg", ".png")),
    "semseg": ("segmentation", (".png",)),
    "depth": ("depth", (".npy",)),
    "normals": ("normals", (".npy", ".png")),
    "edge": ("edge", (".npy", ".png")),
}
ARCHIVES = {
    (".jpg", ".npy", ".npy"): "archive A, NYUD_MT (jpg and npy)",
    (".png", ".png", ".png"): "archive B, NYUDv2 (png)",
}
UNIT = 1.01  # a component of a unit vector, with room for rounding

ByteNormals = Literal["strict", "invpt"]


class NYUD(DiskDataset):
    """795 training and 654 test images of rooms, 425 x 560, with 40 classes, depth, normals and edges.

    The two archives hold the same images; A has colours in jpg, normals and edges as arrays, B has all but depth in
    8-bit png. Which one it is shows in the extensions. Papers call the split `val` the test set.

    Labels: `semseg` 0 to 39, 255 where unlabelled; `depth` in metres, 0 where not valid; `normals` as stored, 0 where
    not valid; `edge` 0 or 1.

    Deviations from the paper: none. A byte cannot hold a normal of length 0, so in archive B no pixel is marked as not
    valid; here those shorter than 0.1 are, and the others are scaled to length one. `png_normals=invpt` takes them as
    they are, as the code of InvPT does.
    """

    available = ("semseg", "depth", "normals", "edge")
    word = "nyud"
    title = "NYUD-v2"
    folders = ("NYUD_MT", "NYUDv2")
    lists = "gt_sets/{split}.txt"
    class_names: ClassVar = {"semseg": NAMES}

    def __init__(
        self,
        *,
        root: str | Path,
        split: Split,
        tasks: Sequence[str],
        images: int | None,
        num_classes: int,
        png_normals: ByteNormals,
        on_error: str,
        transform: Callable[[Sample], Sample] | None = None,
    ) -> None:
        """Find the dataset and check it.

        Args:
            root: Folder of the dataset, or one beside which NYUD_MT or NYUDv2 lies.
            split: `train` or `val`.
            tasks: Tasks whose labels are read.
            images: Number of images there must be; None takes any.
            num_classes: Number of classes; the files hold 0 for unlabelled and 1 to that number.
            png_normals: How normals in png are read, `strict` or `invpt`.
            on_error: `raise`, or `skip` training images with damaged files.
            transform: What is done to a sample.
        """
        if png_normals not in get_args(ByteNormals):
            raise ValueError(f"dataset.png_normals={png_normals}: use {' or '.join(get_args(ByteNormals))}")
        self.num_classes = num_classes
        self.png_normals = png_normals
        super().__init__(root=root, split=split, tasks=tasks, images=images, on_error=on_error, transform=transform)

    @classmethod
    def variant(cls, path: Path) -> str | None:
        """Which archive the folder comes from, by the extensions of its files."""
        if not any((path / name).is_dir() for name in ("gt_sets", "segmentation")):
            return None
        found = suffixes(path)
        return ARCHIVES.get(tuple(found[key] for key in ("image", "normals", "edge")), f"mixed ({found})")

    def list_ids(self) -> list[str]:
        """Ids of gt_sets/<split>.txt, such as 0003."""
        if any((self.root / "segmentation").glob("*.mat")):
            raise ValueError(
                f"{self.root} is the older NYUD_MT of ASTMT (41 classes in .mat), which no number of the survey, of "
                f"ATRC or of InvPT is from: take another archive, {self.fix}"
            )
        return super().list_ids()

    @cached_property
    def suffixes(self) -> dict[str, str]:
        """How each kind of file is stored."""
        return suffixes(self.root)

    def files(self, id: str) -> dict[str, list[Path]]:
        """One file for the image and for each label."""
        return {key: [self.root / PLACES[key][0] / f"{id}{self.suffixes[key]}"] for key in ("image", *self.reads)}

    def arrays(self, id: str) -> dict[str, np.ndarray]:
        """Image and labels; see the class."""
        paths = {key: path for key, (path,) in self.files(id).items()}
        arrays = {key: getattr(self, f"_{key}")(path) for key, path in paths.items()}
        if self.split != "train" and "edge" in arrays:
            arrays["boundary"] = arrays["edge"].astype(bool)
        return arrays

    def _image(self, path: Path) -> np.ndarray:
        return read_image(path)

    def _semseg(self, path: Path) -> np.ndarray:
        stored = read_classes(path, range(self.num_classes + 1), f"0 (unlabelled) to {self.num_classes}")
        return stored - np.uint8(1)  # 0 becomes 255

    def _depth(self, path: Path) -> np.ndarray:
        depth = read_array(path, (None, None))
        if depth.min() < 0:
            raise DamagedFileError(f"{path}: depth of {depth.min()} m")
        return depth[None]

    def _normals(self, path: Path) -> np.ndarray:
        if path.suffix == ".png":
            return decode_normals(path, strict=self.png_normals == "strict")
        normals = read_array(path, (None, None, 3))
        if np.abs(normals).max() > UNIT:
            raise DamagedFileError(f"{path}: normals reach {np.abs(normals).max()}, but are unit vectors")
        return np.ascontiguousarray(normals.transpose(2, 0, 1))

    def _edge(self, path: Path) -> np.ndarray:
        stored, one = (read_pixels(path), 255) if path.suffix == ".png" else (read_numbers(path), 1)
        if stored.ndim != 2 or not np.isin(stored, (0, one)).all():
            found = f"{stored.dtype} of shape {stored.shape}, such as {np.unique(stored)[:3]}"
            raise DamagedFileError(f"{path}: holds {found}, and edges are a map of 0 and {one}")
        return (stored > 0).astype(np.uint8)[None]


def suffixes(root: Path) -> dict[str, str]:
    """How each kind of file is stored, by what is there; as in archive A where nothing is."""
    return {
        key: next((end for end in ends if any((root / folder).glob(f"*{end}"))), ends[0])
        for key, (folder, ends) in PLACES.items()
    }
