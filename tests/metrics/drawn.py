"""Labels and predictions drawn from a seed, for numbers that the meters of other programs gave on the same maps."""

import numpy as np

IMAGES, SIZE = 6, (24, 32)


def drawn(task):
    """Predictions and labels of a task as a program holds them.

    Returns:
        Class scores [B, K, H, W] and classes [B, H, W] with 255 for invalid (semseg of 40, human parts of 7); depth in
        metres [B, H, W], 0 for invalid; vectors and bytes of normals [B, H, W, 3]; probabilities and masks [B, H, W].
    """
    rng = np.random.default_rng(["semseg", "human_parts", "depth", "normals", "saliency"].index(task))
    shape = (IMAGES, *SIZE)
    if task in ("semseg", "human_parts"):
        classes = 40 if task == "semseg" else 7
        truth = rng.integers(0, classes - 2, shape)  # two classes are nowhere true, and are predicted
        scores = rng.normal(size=(IMAGES, classes, *SIZE)) + 2 * (np.arange(classes)[:, None, None] == truth[:, None])
        return scores, np.where(rng.random(shape) < 0.1, 255, truth)
    if task == "depth":
        truth = rng.uniform(0.7, 10, shape)
        return truth + rng.normal(0, 1.5, shape), np.where(rng.random(shape) < 0.1, 0, truth)
    if task == "normals":
        vectors = rng.normal(size=(*shape, 3)) - (0, 0, 1)
        truth = np.round((vectors / np.linalg.norm(vectors, axis=3, keepdims=True) + 1) / 2 * 255)
        truth[:, :6] = rng.integers(124, 132, (IMAGES, 6, SIZE[1], 3))  # nearly grey
        return vectors + rng.normal(0, 0.7, vectors.shape), truth.astype(np.uint8)
    truth = np.zeros(shape, int)
    for one in range(1, IMAGES):  # nothing is salient in the first image
        truth[one, 4 : 6 + 3 * one, 5 : 9 + 4 * one] = 1
    probability = np.clip(0.35 * truth + rng.beta(2, 3, shape), 0, 1)
    return np.round(probability * 255) / 255, truth
