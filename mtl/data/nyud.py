"""NYUD-v2 with the labels of four tasks, from one of the two archives used by multi-task papers.

Silberman et al., Indoor Segmentation and Support Inference from RGBD Images, ECCV 2012.
https://cs.nyu.edu/~fergus/datasets/nyu_depth_v2.html
"""

from collections import Counter
from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path
from typing import Annotated, ClassVar

import numpy as np
from annotated_types import Ge, Interval

from mtl.data.base import Sample, Split
from mtl.data.class_names import NYUD as NAMES
from mtl.data.disk import DiskDataset, OnError
from mtl.data.disk.decode import read_image
from mtl.data.stored import read_stored
from mtl.tasks.depth import Depth
from mtl.tasks.edge import Edge
from mtl.tasks.normals import ByteNormals, Normals
from mtl.tasks.semseg import Semseg

PLACES = {  # folder of each kind of file, and its extension in archives A and B
    "image": ("images", (".jpg", ".png")),
    "semseg": ("segmentation", (".png",)),
    "depth": ("depth", (".npy",)),
    "normals": ("normals", (".npy", ".png")),
    "edge": ("edge", (".npy", ".png")),
}
FIRST = 1  # number of the first class in the files; 0 is unlabelled
ARCHIVES = {
    (".jpg", ".npy", ".npy"): "archive A, NYUD_MT (jpg and npy)",
    (".png", ".png", ".png"): "archive B, NYUDv2 (png)",
}


class NYUD(DiskDataset):
    """795 training and 654 test images of rooms, 425 x 560, with 40 classes, depth, normals and edges.

    The two archives contain the same images and are told apart by their extensions. A has images in jpg, and normals
    and edges as arrays; B has everything except depth in 8-bit png. Papers call the split `val` the test set.

    Labels: `semseg` 0 to 39, 255 where unlabelled; `depth` in metres, 0 where invalid; `normals` as stored, 0 where
    invalid; `edge` 0 or 1.

    Deviations from the paper: none. 8-bit normals cannot have length 0, so archive B marks no pixel as invalid. Here
    normals shorter than 0.1 are invalid, and the others are scaled to unit length. `png_normals=invpt` keeps all of
    them as stored, like the code of InvPT and SAK. Loss and metric count every pixel that is not exactly 0.
    """

    available = ("semseg", "depth", "normals", "edge")
    word = "nyud"
    title = "NYUD-v2"
    folders = ("NYUD_MT", "NYUDv2")
    lists = "gt_sets/{split}.txt"
    class_names: ClassVar = {"semseg": NAMES}
    first_numbers: ClassVar = {"semseg": FIRST}

    def __init__(
        self,
        *,
        root: str | Path,
        split: Split,
        tasks: Sequence[str],
        images: Annotated[int, Ge(1)] | None,
        num_classes: Annotated[int, Interval(ge=2, le=255)],
        png_normals: ByteNormals,
        on_error: OnError,
        transform: Callable[[Sample], Sample] | None = None,
    ) -> None:
        """Find the dataset and check it.

        Args:
            root: Folder of the dataset, or a folder in or next to which NYUD_MT or NYUDv2 is looked for.
            split: `train` or `val`.
            tasks: Tasks whose labels are read.
            images: Required number of images; None accepts any.
            num_classes: Number of classes K; in the files, 0 is unlabelled and 1 to K are classes.
            png_normals: How normals in png are read, `strict` or `invpt`.
            on_error: `raise`, or `skip` training images with damaged files.
            transform: Applied to each sample.
        """
        self.stored = {
            "semseg": Semseg(num_classes, first=FIRST, void=0),
            "depth": Depth(),
            "normals": Normals(png_normals),
            "edge": Edge(),
        }
        super().__init__(root=root, split=split, tasks=tasks, images=images, on_error=on_error, transform=transform)

    @classmethod
    def variant(cls, path: Path) -> str | None:
        """Which archive the folder comes from, by the extensions of its files."""
        if not any((path / name).is_dir() for name in ("gt_sets", "segmentation")):
            return None
        found = suffixes(path)
        return ARCHIVES.get((found["image"], found["normals"], found["edge"]), f"mixed ({found})")

    def list_ids(self) -> list[str]:
        """Ids of gt_sets/<split>.txt, such as 0003."""
        kinds = Counter(path.suffix for path in (self.root / "segmentation").glob("*"))
        if kinds[".mat"] > kinds[".png"]:
            raise ValueError(
                f"{self.root} is the older NYUD_MT of ASTMT (41 classes in .mat), on which no result of the survey, "
                f"ATRC or InvPT is based: use another archive, {self.fix}"
            )
        return super().list_ids()

    @cached_property
    def suffixes(self) -> dict[str, str]:
        """Extension of each kind of file."""
        return suffixes(self.root)

    def files(self, id: str) -> dict[str, list[Path]]:
        """One file each for the image and the labels."""
        return {key: [self.root / PLACES[key][0] / f"{id}{self.suffixes[key]}"] for key in ("image", *self.reads)}

    def arrays(self, id: str) -> dict[str, np.ndarray]:
        """Image and labels, as described in the class."""
        paths = {key: path for key, (path,) in self.files(id).items()}
        image = {"image": read_image(paths.pop("image"))}
        arrays = image | {key: self.stored[key].read_label(read_stored(path, key)) for key, path in paths.items()}
        if self.split != "train" and "edge" in arrays:
            arrays["boundary"] = arrays["edge"].astype(bool)
        return arrays


def suffixes(root: Path) -> dict[str, str]:
    """Extension of each kind of file: the most frequent one; that of archive A if there are no files."""
    found = {}
    for key, (folder, ends) in PLACES.items():
        counts = Counter(path.suffix for path in (root / folder).glob("*"))
        found[key] = max(ends, key=lambda end: counts[end])  # the first of equally frequent ones
    return found
