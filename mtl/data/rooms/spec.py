"""Everything that determines the images of a split, and the hash that names their folder."""

import hashlib
import json
from dataclasses import asdict, dataclass

import numpy as np

from mtl.data.base import Split

# Increase it with every change that alters or adds a rendered byte: caches of other versions are then not used.
RENDERER_VERSION = 4

# Channels and type of the image and of each label on disk, 17 bytes per pixel.
# Errors of float16: 0.05 % of depth (2 mm at 5 m), 0.03 degrees of a normal, 0.0003 of brightness.
LAYOUT = {
    "image": (3, np.uint8),
    "semseg": (1, np.uint8),
    "human_parts": (1, np.uint8),
    "depth": (1, np.float16),
    "normals": (3, np.float16),
    "saliency": (1, np.uint8),
    "edge": (1, np.uint8),
    "reshading": (1, np.float16),
}


@dataclass(frozen=True, kw_only=True)
class Spec:
    """One split of the dataset: `scenes` rooms, in each `scans` camera paths of `views` images.

    `fov` is the horizontal field of view in degrees, the same for the whole dataset so that metric depth is not
    ambiguous; `clutter` multiplies the number of objects in a room.
    """

    split: Split
    height: int
    width: int
    fov: float
    clutter: float
    seed: int
    scenes: int
    scans: int
    views: int

    def __post_init__(self) -> None:
        least = {"height": 16, "width": 16, "scenes": 1, "scans": 1, "views": 1, "seed": 0}
        for name, minimum in least.items():
            if getattr(self, name) < minimum:
                raise ValueError(f"{name} is {getattr(self, name)}; use at least {minimum}")
        if not 20 <= self.fov <= 120:
            raise ValueError(f"fov is {self.fov}; use 20 to 120 degrees")
        if not 0 < self.clutter <= 3:
            raise ValueError(f"clutter is {self.clutter}; use a factor above 0 and at most 3")

    def __len__(self) -> int:
        return self.scenes * self.scans * self.views

    def place(self, index: int) -> tuple[int, int, int]:
        """Scene, scan and view of the image at `index`."""
        scene, scan, view = np.unravel_index(index, (self.scenes, self.scans, self.views))
        return int(scene), int(scan), int(view)

    @property
    def text(self) -> str:
        """Everything that determines the images, as JSON."""
        return (
            json.dumps(asdict(self) | {"version": RENDERER_VERSION}, indent=2, sort_keys=True, allow_nan=False) + "\n"
        )

    @property
    def name(self) -> str:
        """Folder name: readable, and unique to everything that determines the images."""
        return f"{self.split}_{self.height}x{self.width}_{hashlib.sha256(self.text.encode()).hexdigest()[:12]}"
