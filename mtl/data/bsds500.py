"""BSDS500: photographs with boundaries from several annotators each, to score edges like the Berkeley benchmark.

Arbelaez et al., Contour Detection and Hierarchical Image Segmentation, TPAMI 2011.
https://www2.eecs.berkeley.edu/Research/Projects/CS/vision/grouping/resources.html
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated

import numpy as np
from annotated_types import Ge

from mtl.data.base import Sample, Split
from mtl.data.disk import DiskDataset, OnError
from mtl.data.disk.decode import read_image
from mtl.data.stored import DamagedFileError, Stored, check_size
from mtl.data.stored.arrays import read_mat

TRUTH = "groundTruth"  # folder of the annotations, and the variable in their files


class BSDS500(DiskDataset):
    """200 training, 100 validation and 200 test images, 321 x 481 or 481 x 321, with boundaries of several annotators.

    Labels: `edge` is 1 where any annotator drew a boundary; `boundary`, the ground truth of the metric, has one channel
    per annotator. Published numbers are for the split `test`.

    Deviations from the paper: none; the paper does not use this dataset.
    """

    available = ("edge",)
    word = "bsds500"
    title = "BSDS500"
    folders = ("BSR/BSDS500/data", "BSDS500/data", "BSDS500/BSDS500/data", "BSDS500-master/BSDS500/data")
    splits = ("train", "val", "test")

    def __init__(
        self,
        *,
        root: str | Path,
        split: Split,
        tasks: Sequence[str],
        images: Annotated[int, Ge(1)] | None,
        on_error: OnError,
        transform: Callable[[Sample], Sample] | None = None,
    ) -> None:
        """Find the dataset and check it.

        Args:
            root: Folder of the dataset, or a folder in or next to which BSR or BSDS500 is looked for.
            split: `train`, `val` or `test`.
            tasks: Tasks whose labels are read.
            images: Required number of images; None accepts any.
            on_error: `raise`, or `skip` training images with damaged files.
            transform: Applied to each sample.
        """
        super().__init__(root=root, split=split, tasks=tasks, images=images, on_error=on_error, transform=transform)

    @classmethod
    def variant(cls, path: Path) -> str | None:
        """There is one archive."""
        return "BSR_bsds500, or the repository of BIDS" if (path / TRUTH).is_dir() else None

    @classmethod
    def tally(cls, root: Path) -> str:
        """Number of annotated images by split, without reading them."""
        counts = {split: len(list((root / TRUTH / split).glob("*.mat"))) for split in cls.splits}
        return f"{', '.join(f'{count} {split}' for split, count in counts.items())} images"

    def list_ids(self) -> list[str]:
        """Names of the annotations of the split, such as 100007."""
        return sorted(path.stem for path in (self.root / TRUTH / self.split).glob("*.mat"))

    def files(self, id: str) -> dict[str, list[Path]]:
        """The photograph and the annotations."""
        return {
            "image": [self.root / "images" / self.split / f"{id}.jpg"],
            "edge": [self.root / TRUTH / self.split / f"{id}.mat"],
        }

    def arrays(self, id: str) -> dict[str, np.ndarray]:
        """Image and labels, as described in the class."""
        (photograph,), (annotations,) = self.files(id).values()
        arrays: dict[str, np.ndarray] = {"image": read_image(photograph)}
        boundaries = read_boundaries(annotations)
        check_size(annotations, boundaries, arrays["image"].shape[1:])
        arrays["edge"] = np.asarray(boundaries.any(axis=0, keepdims=True), np.uint8)
        if self.split != "train":
            arrays["boundary"] = boundaries
        return arrays


def read_boundaries(path: Path) -> np.ndarray:
    """The boundary of each annotator, bool. Shape [A, H, W].

    Raises:
        DamagedFileError: The file cannot be read, or does not contain such annotations.
    """
    people = read_mat(path, TRUTH)
    try:
        drawn = [Stored(path, person["Boundaries"][0, 0]).numbers for person in people.ravel()]
        boundaries = np.stack(drawn)
    except (IndexError, KeyError, TypeError, ValueError, AttributeError) as error:
        if isinstance(error, DamagedFileError):
            raise
        raise DamagedFileError(f"{path}: holds no boundaries of annotators ({error})") from error
    if boundaries.ndim != 3 or not np.isin(boundaries, (0, 1)).all():
        found = f"{boundaries.dtype} of shape {boundaries.shape}, up to {boundaries.max()}"
        raise DamagedFileError(f"{path}: boundaries must be maps of 0 and 1, but it holds {found}")
    return boundaries.astype(bool)
