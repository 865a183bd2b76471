"""The built-in dataset: procedurally generated furnished rooms whose labels are exact and consistent."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any, ClassVar

import numpy as np
from annotated_types import Ge, Interval

from mtl.data.base import DenseDataset, Place, Sample, Split
from mtl.data.rooms.cache import Cache
from mtl.data.rooms.scene import CLASSES, PARTS
from mtl.data.rooms.spec import Spec

Side = Annotated[int, Interval(ge=16, le=8192)]


class Rooms(DenseDataset):
    """Ray-traced images of generated rooms, rendered once into a cache under `root` and read from there.

    A split has scenes * scans * views images. With the same seed, image (scene, scan, view) has the same bytes in
    every process and run. Every pixel has a valid label.
    """

    available = ("semseg", "human_parts", "depth", "normals", "saliency", "edge", "disparity", "reshading")
    class_names: ClassVar = {"semseg": CLASSES, "human_parts": PARTS}

    def __init__(
        self,
        *,
        root: str | Path,
        split: Split,
        tasks: Sequence[str],
        height: Side,
        width: Side,
        fov: Annotated[float, Interval(ge=20, le=120)],
        clutter: Annotated[float, Interval(gt=0, le=3)],
        seed: Annotated[int, Ge(0)],
        scenes: Annotated[int, Ge(1)],
        scans: Annotated[int, Ge(1)],
        views: Annotated[int, Ge(1)],
        workers: Annotated[int, Ge(0)],
        transform: Callable[[Sample], Sample] | None = None,
    ) -> None:
        super().__init__(split, tasks, transform)
        self.spec = Spec(
            split=split,
            height=height,
            width=width,
            fov=float(fov),
            clutter=float(clutter),
            seed=seed,
            scenes=scenes,
            scans=scans,
            views=views,
        )
        self.cache = Cache(Path(root), self.spec, workers)

    def __len__(self) -> int:
        return len(self.spec)

    def about(self) -> dict[str, Any]:
        """The number of images, and a hash of the rendered files that are read."""
        files = dict.fromkeys(["image", *map(self._file, self.reads)])
        return super().about() | {"fingerprint": self.cache.fingerprint(files)}

    def places(self) -> list[Place]:
        """Scene and camera path of every image; see `DenseDataset.places`."""
        numbers = (self.spec.place(index) for index in range(len(self)))
        return [Place(f"{scene:04d}", f"{scan:03d}") for scene, scan, _ in numbers]

    def read(self, index: int) -> Sample:
        """Load image and labels from the cache; see `DenseDataset.read`."""
        # Copies: a tensor must not alias the read-only file.
        stored = {key: self.cache.arrays[self._file(key)][index] for key in self.reads}
        arrays = {"image": np.array(self.cache.arrays["image"][index])}
        for key, values in stored.items():
            arrays[key] = values.astype(np.float32 if values.dtype == np.float16 else values.dtype)
        if "normals" in arrays:
            arrays["normals"] /= np.linalg.norm(arrays["normals"], axis=0)
        if "disparity" in arrays:
            arrays["disparity"] = 1 / arrays["disparity"]
        if self.split != "train":
            arrays["boundary"] = self.cache.arrays["edge"][index].astype(bool)
        scene, scan, view = self.spec.place(index)
        name = f"{self.split}_{scene:04d}_{scan:03d}_{view:03d}"
        return arrays | {"meta": {"id": name, "size": (self.spec.height, self.spec.width), "padding": (0, 0)}}

    @staticmethod
    def _file(task: str) -> str:
        """Name of the rendered file that has the labels of a task."""
        return "depth" if task == "disparity" else task
