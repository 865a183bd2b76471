"""NYUD-v2 with the labels of four tasks, from either of the two archives that multi-task papers use.

Silberman et al., Indoor Segmentation and Support Inference from RGBD Images, ECCV 2012.
https://cs.nyu.edu/~fergus/datasets/nyu_depth_v2.html
"""

from collections import Counter
from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path
from typing import ClassVar

import numpy as np

from mtl.data.base import Sample, Split
from mtl.data.class_names import NYUD as NAMES
from mtl.data.disk import DiskDataset
from mtl.data.disk.decode import read_image
from mtl.data.stored import read_stored
from mtl.tasks.depth import Depth
from mtl.tasks.edge import Edge
from mtl.tasks.normals import ByteNormals, Normals
from mtl.tasks.semseg import Semseg

PLACES = {  # folder of each kind of file, and how it is stored in archive A and in archive B
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

    The two archives hold the same images; A has colours in jpg, normals and edges as arrays, B has all but depth in
    8-bit png. Which one it is shows in the extensions. Papers call the split `val` the test set.

    Labels: `semseg` 0 to 39, 255 where unlabelled; `depth` in metres, 0 where not valid; `normals` as stored, 0 where
    not valid; `edge` 0 or 1.

    Deviations from the paper: none. A byte cannot hold a normal of length 0, so in archive B no pixel is marked as not
    valid; here those shorter than 0.1 are, and the others are scaled to length one. `png_normals=invpt` takes all of
    them as they are, as the code of InvPT and SAK does. Loss and metric count every pixel that is not exactly 0.
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
        return ARCHIVES.get(tuple(found[key] for key in ("image", "normals", "edge")), f"mixed ({found})")

    def list_ids(self) -> list[str]:
        """Ids of gt_sets/<split>.txt, such as 0003."""
        kinds = Counter(path.suffix for path in (self.root / "segmentation").glob("*"))
        if kinds[".mat"] > kinds[".png"]:
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
        image = {"image": read_image(paths.pop("image"))}
        arrays = image | {key: self.stored[key].read_label(read_stored(path, key)) for key, path in paths.items()}
        if self.split != "train" and "edge" in arrays:
            arrays["boundary"] = arrays["edge"].astype(bool)
        return arrays


def suffixes(root: Path) -> dict[str, str]:
    """How each kind of file is stored: the extension that most files have; as in archive A where there is none."""
    found = {}
    for key, (folder, ends) in PLACES.items():
        counts = Counter(path.suffix for path in (root / folder).glob("*"))
        found[key] = max(ends, key=lambda end: counts[end])  # of equal ones the first
    return found
