"""Replica, as rendered for the Omnidata starter dataset: scanned rooms with exact labels of three tasks.

Straub et al., The Replica Dataset: A Digital Replica of Indoor Spaces, 2019. https://arxiv.org/abs/1906.05797
Eftekhar et al., Omnidata: A Scalable Pipeline for Making Multi-Task Mid-Level Vision Datasets from 3D Scans, ICCV 2021.
https://arxiv.org/abs/2110.04994
"""

import logging
import os
import re
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Annotated, ClassVar

import cv2
import numpy as np
from annotated_types import Ge, Interval

from mtl.data.base import Place, Sample, Split
from mtl.data.class_names import REPLICA
from mtl.data.disk import DamagedFileError, DiskDataset, OnError
from mtl.data.disk.decode import read_image
from mtl.data.stored import Stored, check_size, read_stored
from mtl.tasks.depth import Depth
from mtl.tasks.families.probability import binary
from mtl.tasks.normals import Normals
from mtl.tasks.semseg import Semseg

log = logging.getLogger(__name__)

DOMAINS = {  # folder name of each domain
    "image": ("rgb",),
    "semseg": ("semantic",),
    "depth": ("depth_zbuffer",),
    "normals": ("normal", "normals"),
    "mask": ("mask_valid",),
}
LAYOUTS = {  # path of a scene's folder
    "{domain}/replica/{scene}": "as omnidata-tools extracts it",
    "{scene}/{domain}": "one folder per scene, for older Omnidata code",
    "{domain}/{scene}": "one folder per domain, without replica/",
}
FILE = re.compile(r"point_(\d+)_view_(\d+)_domain_\w+\.png")
FIRST = 1  # number of the first class in the files; 0 is undefined
METRES = 1 / 512  # metres per unit of stored depth
NO_GEOMETRY = 65535
WHITE = 255  # in red, green and blue: undefined


class Replica(DiskDataset):
    """56,783 training, 23,725 validation and 23,889 test images of 18 scenes, 512 x 512.

    A scan is a point in space with all views of it. Only views with files in all domains that the tasks need are used.

    Labels: `semseg` 0 to 100 (class of the file - 1), 255 where undefined; `depth` in metres along the optical axis, 0
    where invalid; `normals` as stored (x right, y down, z towards the viewer), 0 where invalid. Pixels that
    `mask_valid` marks as holes of the scan are invalid for all tasks; without that folder, grey normals mark them.

    Deviations from the paper: its test split of 13,889 images is taken as a misprint of 23,889, the number of images
    in the four test scenes of the official split; the other two splits agree.
    """

    available = ("semseg", "depth", "normals")
    word = "replica"
    title = "Replica"
    folders = ("omnidata_starter_dataset", "omnidata")
    splits = ("train", "val", "test")
    class_names: ClassVar = {"semseg": REPLICA}
    first_numbers: ClassVar = {"semseg": FIRST}

    def __init__(
        self,
        *,
        root: str | Path,
        split: Split,
        tasks: Sequence[str],
        scenes: Mapping[str, Annotated[int, Ge(1)] | None],
        num_classes: Annotated[int, Interval(ge=2, le=255)],
        mask_dilate: Annotated[int, Interval(ge=0, le=255)],
        on_error: OnError,
        transform: Callable[[Sample], Sample] | None = None,
    ) -> None:
        """Find the dataset and check it.

        Args:
            root: Folder of the dataset.
            split: `train`, `val` or `test`.
            tasks: Tasks whose labels are read.
            scenes: Scenes of the split, and the required number of images of each; None accepts any.
            num_classes: Number of classes K; in the files, 0 is undefined and 1 to K are classes.
            mask_dilate: Side in pixels of the square that dilates holes; 0 does not dilate.
            on_error: `raise`, or `skip` training images with damaged files.
            transform: Applied to each sample.
        """
        self.scenes = dict(scenes)
        self.stored = {
            "semseg": Semseg(num_classes, first=FIRST, void=0),
            "depth": Depth(METRES, void=NO_GEOMETRY),
            "normals": Normals(),
        }
        self.mask_dilate = mask_dilate
        super().__init__(root=root, split=split, tasks=tasks, images=None, on_error=on_error, transform=transform)

    @classmethod
    def variant(cls, path: Path) -> str | None:
        """Layout of the folders, if they hold this dataset."""
        layout = layout_of(path)
        return layout and f"{layout}, {LAYOUTS[layout]}"

    @classmethod
    def tally(cls, root: Path) -> str:
        """Number of images and scenes, without reading them."""
        folders = list(root.glob((layout_of(root) or "").format(domain=DOMAINS["image"][0], scene="*")))
        return f"{sum(len(os.listdir(folder)) for folder in folders)} images in {len(folders)} scenes"

    def list_ids(self) -> list[str]:
        """Ids such as office_0/point_7_view_2, in the order of the scenes, points and views."""
        self.listed = {(scene, key): self._list(scene, key) for scene in self.scenes for key in self.domains}
        return [f"{scene}/point_{point}_view_{view}" for scene in self.scenes for point, view in self._common(scene)]

    def files(self, id: str) -> dict[str, list[Path]]:
        """One file each for the image and the labels, and the mask of holes if there is one."""
        scene, place = id.split("/")
        point, view = (int(number) for number in re.findall(r"\d+", place))
        return {key: [Path(self.listed[scene, key][point, view])] for key in self.domains}

    def arrays(self, id: str) -> dict[str, np.ndarray]:
        """Image and labels, as described in the class."""
        paths = {key: path for key, (path,) in self.files(id).items()}
        arrays = {"image": read_image(paths["image"])}
        valid = self._valid(paths, arrays["image"].shape[1:])
        for key in self.reads:
            stored = read_stored(paths[key], key)
            label = self.stored[key].read_label(classes_of(stored) if key == "semseg" else stored)
            check_size(paths[key], label, valid.shape)
            arrays[key] = np.where(valid, label, np.array(self.stored[key].fill, label.dtype))
        return arrays

    def places(self) -> list[Place]:
        """Scene and point of every image."""
        return [Place(*id.partition("_view_")[0].split("/")) for id in self.ids]

    @cached_property
    def layout(self) -> str:
        """Layout of the folders."""
        return layout_of(self.root) or ""  # the folder has been checked

    @cached_property
    def domains(self) -> list[str]:
        """Keys of the domains to read."""
        masks = any(self._folder(scene, "mask") for scene in self.scenes)
        return [*dict.fromkeys(("image", *self.reads, "mask" if masks else "normals"))]

    def _folder(self, scene: str, key: str) -> Path | None:
        folders = [self.root / self.layout.format(domain=domain, scene=scene) for domain in DOMAINS[key]]
        return next((folder for folder in folders if folder.is_dir()), None)

    def _list(self, scene: str, key: str) -> dict[tuple[int, int], str]:
        """Paths of a domain's files by point and view; as strings, because there are half a million of them."""
        folder = self._folder(scene, key)
        names = [(FILE.fullmatch(entry.name), entry.path) for entry in os.scandir(folder)] if folder else []
        return {(int(match[1]), int(match[2])): path for match, path in names if match}

    def _common(self, scene: str) -> list[tuple[int, int]]:
        """Points and views that exist in all domains."""
        return sorted(set.intersection(*(set(self.listed[scene, key]) for key in self.domains)))

    def _check_ids(self, ids: list[str], images: int | None) -> None:
        """Reject incomplete scenes, or only report them if images may be skipped."""
        super()._check_ids(ids, images)
        for scene, wanted in self.scenes.items():
            found = len(self._common(scene))
            if wanted is None or found == wanted:
                continue
            counts = {DOMAINS[key][0]: len(self.listed[scene, key]) for key in self.domains}
            held = ", ".join(f"{domain} {count}" for domain, count in counts.items())
            line = f"{self.root}: scene {scene} has {found} images with all labels, not {wanted} ({held})"
            if not (self.may_skip and 0 < found < wanted):
                raise DamagedFileError(
                    f"{line}; {self.fix}, or, if this is intended, give dataset.{self.split}.scenes.{scene}={found}"
                )
            log.warning("skipped: %s", line)

    def _valid(self, paths: Mapping[str, Path], size: tuple[int, ...]) -> np.ndarray:
        """Mask of pixels without a hole of the scan, bool. Shape [H, W]."""
        if "mask" in paths:
            path = paths["mask"]
            valid = binary(read_stored(path, "mask"))
        else:
            path = paths["normals"]
            valid = self.stored["normals"].read_label(read_stored(path, "normals")).any(axis=0)
        check_size(path, valid, size)
        if not self.mask_dilate:
            return valid
        square = np.ones((self.mask_dilate, self.mask_dilate), np.uint8)
        return cv2.erode(valid.astype(np.uint8), square).astype(bool)


def classes_of(stored: Stored) -> Stored:
    """Class of every pixel from its colour: red is the class, green and blue the object; white is undefined.

    Raises:
        DamagedFileError: The file does not hold 8-bit colours.
    """
    colours = stored.numbers
    if colours.dtype != np.uint8 or colours.ndim != 3 or colours.shape[2] != 3:
        raise stored.refusal("8-bit colours")
    return Stored(stored.path, np.where((colours == WHITE).all(axis=2), 0, colours[..., 0]).astype(np.uint8))


def layout_of(path: Path) -> str | None:
    """Layout of the folders of domains and scenes; None if there are none."""
    for layout in LAYOUTS:
        if any(path.glob(f"{layout.format(domain=DOMAINS['image'][0], scene='*')}/point_*.png")):
            return layout
    return None
