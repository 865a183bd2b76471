"""Labels computed from the instance map: edges and saliency."""

import numpy as np
from numpy.typing import NDArray

from mtl.data.rooms.scene import CLASSES
from mtl.tasks.edge import between

# Saliency weight of each class; walls, floor, ceiling, windows and doors have none.
PRIOR = {
    "person": 2.5,
    "object": 1.5,
    "sofa": 1.0,
    "lamp": 1.0,
    "chair": 0.6,
    "table": 0.5,
    "picture": 0.4,
    "cabinet": 0.4,
}
PRIORS = np.array([PRIOR.get(name, 0.0) for name in CLASSES])
SPREAD = 0.35  # standard deviation of the gaze around the centre, in half image sizes
KEEP = 0.35  # instances above this fraction of the highest score are salient


def edge_map(instance: NDArray[np.int64]) -> NDArray[np.uint8]:
    """1 where the left or the upper neighbour belongs to another instance. Shapes [H, W]."""
    return between(instance).astype(np.uint8)


def saliency_map(instance: NDArray[np.int64], labels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """1 on instances that are large, near the centre and of a salient class.

    Args:
        instance: Instance of each pixel. Shape [H, W].
        labels: Class of each instance. Shape [I].
    """
    height, width = instance.shape
    y, x = np.linspace(-1, 1, height)[:, None], np.linspace(-1, 1, width)
    gaze = np.exp(-(x**2 + y**2) / (2 * SPREAD**2))
    score = np.bincount(instance.ravel(), gaze.ravel(), minlength=len(labels)) * PRIORS[labels]
    salient = (score > KEEP * score.max()) & (score > 0)
    return salient[instance].astype(np.uint8)
