"""Worse training labels: classes mistaken for others, noise on depth and normals.

Guo et al., Revisit the Imbalance Optimization in Multi-task Learning, 2025.
https://arxiv.org/abs/2509.23915, Sec. V-E.
"""

import hashlib
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from mtl.data.base import DenseDataset, Sample
from mtl.data.view import View

MODES = ("none", "pixel", "category")
IGNORE = 255  # label of a pixel that is not valid
NEAREST = 1e-3  # metres; noise does not make a measured depth invalid

Map = NDArray[Any]


class LabelNoise:
    """Spoils the labels of every training image, once and for all: the same image is wrong in the same way all along.

    In each image `categories` of the classes that occur are drawn (all, if there are fewer). In mode `pixel` each of
    their pixels gets a wrong class with probability `rate`; in mode `category` each of the classes, as a whole, does.
    Wrong classes are drawn among all others of the dataset, all alike. Depth and normals get Gaussian noise in every
    pixel; normals are unit vectors again after it. Pixels without a valid label stay without.

    The draws depend on the seed, the task and the id of the image, hence not on which tasks are trained together.

    Args:
        mode: `none`, `pixel` or `category`.
        num_classes: Number of classes of the dataset.
        categories: How many classes of an image are spoilt.
        rate: Probability of a wrong class.
        depth: Standard deviation in metres.
        normals: Standard deviation of each component.
        seed: Of all draws.

    Deviations from the paper: it gives no standard deviations, and "a rate of 0.5" can be that of pixels or of classes.
    """

    def __init__(
        self, *, mode: str, num_classes: int, categories: int, rate: float, depth: float, normals: float, seed: int
    ) -> None:
        if mode not in MODES:
            raise ValueError(f"dataset.noise={mode}: use {' or '.join(MODES)}")
        if not 0 <= rate <= 1 or min(categories, depth, normals) < 0 or num_classes < 2:
            raise ValueError(
                f"noise on {categories} of {num_classes} classes at rate {rate}, with deviations {depth} and "
                f"{normals}: use a rate from 0 to 1, 2 classes or more, and no negative number"
            )
        self.mode = mode
        self.num_classes = num_classes
        self.categories = categories
        self.rate = rate
        self.depth = depth
        self.normals = normals
        self.seed = seed
        self.spoil = {"semseg": self.spoil_classes, "depth": self.spoil_depth, "normals": self.spoil_normals}

    @staticmethod
    def idle(settings: Mapping[str, Any]) -> bool:
        """Whether these settings leave the labels as they are."""
        return settings["mode"] == "none"

    def __call__(self, dataset: DenseDataset) -> DenseDataset:
        """The dataset with spoilt labels.

        Raises:
            ValueError: The dataset is not for training, or has a task for which no noise is defined.
        """
        if self.mode == "none":
            return dataset
        if dataset.split != "train":
            raise ValueError(f"dataset.noise={self.mode}: the labels of the {dataset.split} split stay as they are")
        if spared := [task for task in dataset.reads if task not in self.spoil]:
            raise ValueError(
                f"dataset.noise={self.mode}: no noise is defined for {', '.join(spared)}; train some of the tasks "
                f"subset=[{','.join(self.spoil)}]"
            )
        return Noisy(dataset, self)

    def stream(self, task: str, image: str) -> Generator:
        """The draws for one label of one image."""
        words = hashlib.sha256(f"{self.seed} {task} {image}".encode()).digest()
        return np.random.default_rng(int.from_bytes(words[:16], "big"))

    def spoil_classes(self, labels: Map, rng: Generator) -> Map:
        """Some classes mistaken for others. Shapes [1, H, W]."""
        present = np.flatnonzero(np.bincount(labels.ravel(), minlength=IGNORE + 1)[:IGNORE])
        if len(present) and present[-1] >= self.num_classes:
            raise ValueError(f"label {present[-1]}, but the dataset has {self.num_classes} classes")
        chosen = rng.permutation(present)[: self.categories]
        if self.mode == "category":
            moved = chosen[rng.random(len(chosen)) < self.rate]
            becomes = np.arange(IGNORE + 1)
            becomes[moved] = self._others(moved, rng)
            return becomes.astype(labels.dtype)[labels]
        spoilt = np.isin(np.arange(IGNORE + 1), chosen)[labels] & (rng.random(labels.shape, np.float32) < self.rate)
        labels = labels.copy()
        labels[spoilt] = self._others(labels[spoilt], rng)
        return labels

    def spoil_depth(self, depth: Map, rng: Generator) -> Map:
        """Depth in metres with noise, 0 where there is none. Shapes [1, H, W]."""
        noise = np.float32(self.depth) * rng.standard_normal(depth.shape, np.float32)
        return np.where(depth > 0, np.maximum(depth + noise, np.float32(NEAREST)), depth)

    def spoil_normals(self, normals: Map, rng: Generator) -> Map:
        """Unit vectors tilted by noise. Shapes [3, H, W]."""
        tilted = normals + np.float32(self.normals) * rng.standard_normal(normals.shape, np.float32)
        tilted /= np.maximum(np.linalg.norm(tilted, axis=0), np.float32(1e-12))
        return np.where(normals.any(axis=0), tilted, normals)

    def _others(self, classes: Map, rng: Generator) -> Map:
        """For each of the classes one of the others. Shapes [N]."""
        return (classes.astype(np.int64) + rng.integers(1, self.num_classes, classes.shape)) % self.num_classes


class Noisy(View):
    """A dataset with spoilt labels."""

    def __init__(self, source: DenseDataset, noise: LabelNoise) -> None:
        super().__init__(source)
        self.noise = noise

    def read(self, index: int) -> Sample:
        """Load one sample; see `DenseDataset.read`."""
        sample = self.source.read(index)
        image = sample["meta"]["id"]
        for task in self.reads:
            try:
                sample[task] = self.noise.spoil[task](sample[task], self.noise.stream(task, image))
            except ValueError as error:
                raise ValueError(f"{task}: {error} (image {image})") from error
        return sample
