"""Semantic segmentation: the class of every pixel."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mtl.tasks.base import IGNORE, Noise
from mtl.tasks.families import Classes


@dataclass(frozen=True)
class Semseg(Classes):
    """Class of every pixel, starting at 0; 255 where unlabelled. Shape [1, H, W]."""

    name = "semseg"
    colour = "#0072B2"
    place = 1

    def corrupt(self, label: NDArray[np.uint8], rng: np.random.Generator, noise: Noise) -> NDArray[np.uint8]:
        """Replace some classes by others, per pixel or for the whole class. Shapes [1, H, W].

        Raises:
            ValueError: The label contains a class that the dataset does not have.
        """
        present = np.flatnonzero(np.bincount(label.ravel(), minlength=IGNORE + 1)[:IGNORE])
        if len(present) and present[-1] >= noise.num_classes:
            raise ValueError(f"label {present[-1]}, but the dataset has {noise.num_classes} classes")
        chosen = rng.permutation(present)[: noise.categories]
        if noise.mode == "category":
            moved = chosen[rng.random(len(chosen)) < noise.rate]
            becomes = np.arange(IGNORE + 1)
            becomes[moved] = others(moved, noise.num_classes, rng)
            return becomes.astype(label.dtype)[label]
        wrong = np.isin(np.arange(IGNORE + 1), chosen)[label] & (rng.random(label.shape, np.float32) < noise.rate)
        label = label.copy()
        label[wrong] = others(label[wrong], noise.num_classes, rng)
        return label


def others(classes: NDArray[np.integer], num_classes: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """For each class, one of the other classes, drawn uniformly. Shapes [N]."""
    return (classes.astype(np.int64) + rng.integers(1, num_classes, classes.shape)) % num_classes
