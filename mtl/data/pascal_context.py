"""PASCAL-Context with the labels of five tasks, as compiled by ASTMT.

Mottaghi et al., The Role of Context for Object Detection and Semantic Segmentation in the Wild, CVPR 2014.
https://cs.stanford.edu/~roozbeh/pascal-context; Maninis et al., Attentive Single-Tasking of Multiple Tasks, CVPR 2019.
https://arxiv.org/abs/1904.08918.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, ClassVar

import numpy as np
from annotated_types import Ge, Interval

from mtl.data.base import Sample, Split
from mtl.data.class_names import PARTS, VOC
from mtl.data.disk import DiskDataset, OnError
from mtl.data.disk.decode import read_image
from mtl.data.partition import partition_edges
from mtl.data.pascal_index import object_index
from mtl.data.pascal_labels import PERSON, WITH_NORMALS, human_parts, read_context
from mtl.data.stored import check_size, read_stored
from mtl.tasks.normals import ByteNormals, Normals
from mtl.tasks.saliency import Saliency
from mtl.tasks.semseg import Semseg

CONTEXT = "pascal-context/trainval"
SEMSEG = ("semseg/VOC12", "semseg/pascal-context")  # the first folder that has the file is used


class PascalContext(DiskDataset):
    """4,998 training and 5,105 test images, with 21 classes, parts of persons, normals, saliency and edges.

    Labels:

    - `semseg`: 0 (background) to 20, 255 void.
    - `human_parts`: 0 (background) to 6; 255 everywhere in images without persons.
    - `normals`: distilled from a network, 0 where the network did not know the class of the pixel.
    - `saliency`: 0 or 1, also distilled.
    - `edge`: thin lines between the 459 context classes; the ground truth `boundary` is the partition into these
      classes.

    Papers call the split `val` the test set. If human parts are the only task, training leaves out images without
    persons, as in all earlier work.

    Deviations from the paper: none. Normals shorter than 0.1 (grey) are invalid, and the others are scaled to unit
    length. `png_normals=invpt` keeps all of them as stored, like the code of InvPT and SAK. Loss and metric count
    every pixel that is not exactly 0.
    """

    available = ("semseg", "human_parts", "normals", "saliency", "edge")
    word = "pascal_context"
    title = "PASCAL-Context"
    folders = ("PASCAL_MT", "PASCALContext")
    lists = "ImageSets/Context/{split}.txt"
    class_names: ClassVar = {"semseg": VOC, "human_parts": PARTS}

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
            root: Folder of the dataset, or a folder in or next to which PASCAL_MT or PASCALContext is looked for.
            split: `train` or `val`.
            tasks: Tasks whose labels are read.
            images: Required number of images; None accepts any.
            num_classes: Number of classes, including background.
            png_normals: How the normals are read, `strict` or `invpt`.
            on_error: `raise`, or `skip` training images with damaged files.
            transform: Applied to each sample.
        """
        self.stored = {
            "semseg": Semseg(num_classes),
            "normals": Normals(png_normals),
            "saliency": Saliency(),
        }
        self.index: dict[str, list[int]] = {}
        super().__init__(root=root, split=split, tasks=tasks, images=images, on_error=on_error, transform=transform)

    @classmethod
    def variant(cls, path: Path) -> str | None:
        """Which archive the folder comes from; all hold the same files, that of SAK also three tables of classes."""
        if not any((path / name).is_dir() for name in ("JPEGImages", "ImageSets/Context")):
            return None
        if (path / "json").is_dir():
            return "PASCALContext with json/, as of SAK"
        known = {"PASCAL_MT": "PASCAL_MT, as of ASTMT", "PASCALContext": "PASCALContext, as of InvPT"}
        return known.get(path.resolve().name, "PASCAL_MT or PASCALContext")

    def choose(self, ids: list[str]) -> list[str]:
        """All images, or only those with persons if human parts are the only task of training."""
        if "human_parts" in self.reads:
            self.index = object_index(self.root, self.split, ids)
        if self.split == "train" and self.tasks == ("human_parts",):
            return [id for id in ids if PERSON in self.index[id]]
        return ids

    def files(self, id: str) -> dict[str, list[Path]]:
        """Files of the image and the labels; images without persons need no part annotation."""
        semseg = [self.root / folder / f"{id}.png" for folder in SEMSEG]
        context = self.root / CONTEXT / f"{id}.mat"
        parts = self.root / "human_parts" / f"{id}.mat"
        files = {
            "image": [self.root / "JPEGImages" / f"{id}.jpg"],
            "semseg": [semseg[0] if semseg[0].exists() else semseg[1]],
            "human_parts": [parts] if PERSON in self.index.get(id, ()) else [],
            "normals": [self.root / "normals_distill" / f"{id}.png", context],
            "saliency": [self.root / "sal_distill" / f"{id}.png"],
            "edge": [context],
        }
        return {key: files[key] for key in ("image", *self.reads)}

    def arrays(self, id: str) -> dict[str, np.ndarray]:
        """Image and labels, as described in the class."""
        files = self.files(id)
        arrays = {"image": read_image(*files["image"])}
        if "human_parts" in files:
            arrays["human_parts"] = human_parts(files["human_parts"], arrays["image"].shape[1:])[None]
        for key in ("semseg", "saliency"):
            if key in files:
                (file,) = files[key]
                arrays[key] = self.stored[key].read_label(read_stored(file, key))
        if {"normals", "edge"} & files.keys():
            arrays |= self._from_context(files, arrays["image"].shape[1:])
        return arrays

    def _from_context(self, files: dict[str, list[Path]], size: tuple[int, ...]) -> dict[str, np.ndarray]:
        """Labels that depend on the context classes."""
        path = files["edge" if "edge" in files else "normals"][-1]
        context = read_context(path)
        check_size(path, context, size)
        arrays = {}
        if "normals" in files:
            path = files["normals"][0]
            normals = self.stored["normals"].read_label(read_stored(path, "normals"))
            check_size(path, normals, size)
            arrays["normals"] = normals * WITH_NORMALS[context]
        if "edge" in files:
            arrays["edge"] = partition_edges(context)[None]
            if self.split != "train":
                arrays["boundary"] = context.astype(np.int16)[None]
        return arrays
