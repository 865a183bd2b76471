"""Reduced training sets: some scans of every scene, or some scenes.

Guo et al., Revisit the Imbalance Optimization in Multi-task Learning, 2025.
https://arxiv.org/abs/2509.23915, Table V.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from fractions import Fraction
from math import floor
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

from annotated_types import Ge

from mtl.data.base import DenseDataset, Place
from mtl.data.view import Subset
from mtl.files import write_whole

# Unit of the choice (scans in every scene, or scenes), and the fraction or number that is kept.
RULES: Mapping[str, tuple[str, Fraction | int]] = {
    "half_scans": ("scan", Fraction(1, 2)),
    "quarter_scans": ("scan", Fraction(1, 4)),
    "twelve_scans": ("scan", 12),
    "half_scenes": ("scene", Fraction(1, 2)),
    "quarter_scenes": ("scene", Fraction(1, 4)),
    "one_scene": ("scene", 1),
}
Word = Literal["full", "half_scans", "quarter_scans", "twelve_scans", "half_scenes", "quarter_scenes", "one_scene"]
WORDS = get_args(Word)


class Sampling:
    """Keeps a part of the training images, the same for every network.

    All images of a scan (or all scans of a scene) are kept or dropped together. The choice depends only on the seed
    and the names, so the quarter is a subset of the half, and neither tasks nor the order of files matter. A fraction
    is rounded half up, to at least one. The choice is written to a list; if an existing list differs, an error is
    raised.

    Args:
        word: `full` or one of `RULES`.
        seed: Seed of the choice.
        scenes: Scenes to keep, by word, instead of drawing them.
        lists: Folder of the lists.

    Deviations from the paper: it names neither the scans nor the scenes that it keeps, and does not define a scan.
    Here a scan is a camera path, or a point with all its views.
    """

    def __init__(
        self, word: Word, seed: Annotated[int, Ge(0)], scenes: Mapping[str, Sequence[str]], lists: str | Path
    ) -> None:
        if word not in WORDS:
            raise ValueError(f"dataset.sampling={word}: use {' or '.join(WORDS)}")
        self.word = word
        self.seed = seed
        self.scenes = scenes
        self.lists = Path(lists)

    @staticmethod
    def idle(settings: Mapping[str, Any]) -> bool:
        """Whether these settings keep all images."""
        return settings["word"] == "full"

    def __call__(self, dataset: DenseDataset) -> DenseDataset:
        """The dataset with the kept images.

        Raises:
            ValueError: The dataset is not a training split, lacks the scenes or scans, or no image would be dropped.
        """
        if self.word == "full":
            return dataset
        if dataset.split != "train":
            raise self._refusal(f"sampling is for training images, not for the {dataset.split} split")
        places = dataset.places()
        if places is None:
            raise self._refusal("the images of this dataset are not views of scenes; use dataset.sampling=full")
        kept = self.choose(places)
        indices = [index for index, place in enumerate(places) if place in kept]
        if len(indices) == len(places):
            raise self._refusal(f"this keeps all of the {len(places)} images; use dataset.sampling=full")
        self._publish(places, kept, len(indices))
        return Subset(dataset, indices)

    def choose(self, places: Sequence[Place]) -> set[Place]:
        """The scans to keep.

        Args:
            places: Scene and scan of every image.
        """
        scans: dict[str, list[str]] = {}
        for scene, scan in sorted(set(places)):
            scans.setdefault(scene, []).append(scan)
        unit, amount = RULES[self.word]
        if unit == "scan":
            return {
                Place(scene, scan)
                for scene, names in scans.items()
                for scan in self._draw(names, amount, "scans", scene)
            }
        scenes = self.scenes.get(self.word) or self._draw(list(scans), amount, "scenes")
        if unknown := [scene for scene in scenes if scene not in scans]:
            raise self._refusal(f"there is no scene {unknown[0]}, only {', '.join(list(scans)[:20])}")
        return {Place(scene, scan) for scene in scenes for scan in scans[scene]}

    def _draw(self, names: Sequence[str], amount: Fraction | int, what: str, scene: str = "") -> list[str]:
        """The given amount of the names: those with the smallest hashes."""
        if isinstance(amount, Fraction):
            amount = max(floor(len(names) * amount + Fraction(1, 2)), 1)
        if amount > len(names):
            raise self._refusal(f"{f'scene {scene}' if scene else 'the dataset'} has only {len(names)} {what}")
        return sorted(names, key=lambda name: digest([self.seed, scene, name]))[:amount]

    def _publish(self, places: Sequence[Place], kept: set[Place], images: int) -> None:
        """Write the list of kept scans, or check the existing one."""
        unit, _ = RULES[self.word]
        lines = sorted({" ".join(place) if unit == "scan" else place.scene for place in kept})
        title = f"# dataset.sampling={self.word}, seed {self.seed}: {images} of {len(places)} images"
        text = "\n".join([title, *lines, ""])
        path = self.lists / f"{self.word}-{digest([self.seed, self.scenes.get(self.word), sorted(places)])[:8]}.txt"
        if not path.exists():
            write_whole(path, text)
        elif path.read_text("utf-8-sig", errors="replace") != text:
            raise self._refusal(f"{path} lists another choice, so runs that used it are not comparable: move it away")

    def _refusal(self, reason: str) -> ValueError:
        return ValueError(f"dataset.sampling={self.word}: {reason}")


def digest(content: object) -> str:
    """Hash of any content that JSON can represent."""
    return hashlib.sha256(json.dumps(content, default=list, allow_nan=False).encode()).hexdigest()
