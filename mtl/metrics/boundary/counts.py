"""The four counts of the boundary benchmark, exact, for every threshold of one image.

Martin, Fowlkes and Malik, Learning to Detect Natural Image Boundaries, TPAMI 2004.
https://doi.org/10.1109/TPAMI.2004.1273918; protocol of Pont-Tuset and Marques, Supervised Evaluation of Image
Segmentation and Object Proposal Techniques, TPAMI 2016. https://doi.org/10.1109/TPAMI.2015.2481406.

    probability --suppress--> ridge map --thin at K thresholds--> K thin maps --match with the boundary--> counts

    0.1 0.8 0.3      .  .8  .      t = 0.7    t = 0.2      predicted  +        + . b     + and b lie within the
    0.2 0.9 0.4  ->  .  .9  .  ->  .  #  .    .  #  .      boundary   b   ->   + . b     tolerance: paired one
    0.1 0.6 0.2      .  .6  .      .  #  .    .  #  .                          + . b     to one
                                   .  .  .    .  #  .

Thresholds are visited from high to low. Then the thin maps grow almost monotonically, and the matching of one
threshold is the start of the next (`Matching`); only pixels that come or go cost anything.
"""

import numpy as np

from mtl.metrics.boundary.assignment import cheapest, cost_graph
from mtl.metrics.boundary.candidates import candidates, split
from mtl.metrics.boundary.matching import Matching
from mtl.metrics.boundary.nms import smoothed, suppress
from mtl.metrics.boundary.thinning import pack, thin, unpack
from mtl.metrics.boundary.truth import check_boundary


def boundary_counts(
    probability: np.ndarray,
    boundary: np.ndarray,
    *,
    thresholds: np.ndarray,
    max_distance: float,
    nms: bool | int = True,
    strict: bool = True,
    taper: int = 5,
    smooth: bool = False,
    quantise: bool = False,
) -> np.ndarray:
    """Count matched and present pixels of prediction and boundary at every threshold.

    Args:
        probability: Edge probability, uint8 (of 255) or float in [0, 1]. Shape [H, W].
        boundary: True boundary, lines one pixel thin, bool; of A annotators. Shape [H, W] or [A, H, W].
        thresholds: Ascending. Shape [K].
        max_distance: Largest distance of a pair, as a fraction of the image diagonal.
        nms: Radius of the non-maximum suppression in pixels (true is 1), false for none.
        strict: Whether a pixel has to exceed the threshold; otherwise reaching it is enough.
        taper: Rim that the suppression fades to 0, in pixels.
        smooth: Whether to smooth the probability a little before the suppression.
        quantise: Whether to round the suppressed map to 8 bits.

    Returns:
        Matched predicted pixels, predicted pixels, matched boundary pixels and boundary pixels, int64. Pairing is
        one to one, so the two matched rows are equal with one annotator. With several the boundary pixels of all of
        them are added up, and a predicted pixel is matched if it is to any of them. Shape [4, K].

    Raises:
        ValueError: If sizes differ, a probability is outside [0, 1] or not a number, or the boundary is not thin.
    """
    thresholds = np.asarray(thresholds)
    boundaries = boundary[None] if boundary.ndim == 2 else boundary  # [A, H, W]
    check_probability(probability, boundaries.shape)
    _check_settings(probability, thresholds, max_distance, nms)
    for one in boundaries:
        check_boundary(one)
    if nms:
        ridges = _float32(probability)
        ridges = suppress(smoothed(ridges) if smooth else ridges, radius=int(nms), taper=taper)
        probability = np.floor(ridges * np.float32(255) + np.float32(0.5)) / 255.0 if quantise else ridges
    elif probability.dtype == np.uint8:
        probability = probability / 255.0
    side = "left" if strict else "right"
    levels = np.searchsorted(thresholds.astype(probability.dtype), probability, side=side)  # thresholds passed
    words = thin(pack(levels, len(thresholds)))[:, 1:-1, 1:-1].reshape(-1, probability.size)
    pixels = np.flatnonzero(words.any(axis=0))
    present = unpack(words[:, pixels], len(thresholds))  # [K, N]
    reach = max_distance * np.hypot(*probability.shape)
    pair = _largest if len(boundaries) == 1 else _cheapest
    matched_predicted, matched_true = pair(pixels, present, boundaries, reach)
    total = np.full(len(thresholds), np.count_nonzero(boundaries))
    return np.stack([matched_predicted, present.sum(axis=1), matched_true, total]).astype(np.int64)


def check_probability(probability: np.ndarray, shape: tuple[int, ...]) -> None:
    """Refuse an edge map that is none, or that does not fit the boundary.

    Args:
        probability: Edge probability. Shape [H, W].
        shape: Of the boundary: A, H, W.

    Raises:
        ValueError: The sizes differ, or a number is outside [0, 1] or none at all.
    """
    if len(shape) != 3 or probability.shape != shape[1:] or 0 in shape:
        raise ValueError(
            f"probability is {list(probability.shape)} and boundary {list(shape[1:])} of {shape[0]} annotators; "
            "both must be [H, W], and not empty"
        )
    if probability.dtype != np.uint8:
        if not np.issubdtype(probability.dtype, np.floating):
            raise ValueError(f"probability is {probability.dtype}; pass uint8 (of 255) or float in [0, 1]")
        low, high = float(probability.min()), float(probability.max())
        if not (low >= 0 and high <= 1):
            raise ValueError(f"probability ranges over [{low}, {high}]; pass numbers in [0, 1], not logits")


def _check_settings(probability: np.ndarray, thresholds: np.ndarray, max_distance: float, nms: bool | int) -> None:
    if len(thresholds) == 0 or not (np.diff(thresholds) > 0).all():
        raise ValueError(f"thresholds are {thresholds.tolist()}; pass at least one, in ascending order")
    if not 0 <= max_distance <= 1:
        raise ValueError(f"max_distance={max_distance} must be a fraction of the diagonal, from 0 to 1")
    if nms and min(probability.shape) < 2:
        raise ValueError(f"probability is {list(probability.shape)}; the suppression needs 2 x 2 pixels, or nms=False")


def _float32(probability: np.ndarray) -> np.ndarray:
    """The probability in [0, 1]. Shape [H, W]."""
    scale = np.float32(255 if probability.dtype == np.uint8 else 1)
    return probability.astype(np.float32) / scale


def _largest(
    pixels: np.ndarray, present: np.ndarray, boundaries: np.ndarray, reach: float
) -> tuple[np.ndarray, np.ndarray]:
    """Matched predicted and matched boundary pixels of the largest matching at every threshold. Shapes [K].

    Args:
        pixels: Flat positions of the pixels that are predicted at some threshold. Shape [N].
        present: Which of them are predicted at each threshold. Shape [K, N].
        boundaries: True boundary. Shape [1, H, W].
        reach: Largest distance of a pair, in pixels.
    """
    lists, near = candidates(pixels, boundaries[0], reach)
    falling = present[::-1, near]  # [K, M]
    above = np.concatenate([np.zeros_like(falling[:1]), falling[:-1]])
    matching = Matching(lists, np.count_nonzero(boundaries))
    steps = zip(_by_row(above & ~falling), _by_row(falling & ~above), strict=True)
    sizes = np.array([matching.step(removed, added) for removed, added in steps])[::-1]
    return sizes, sizes


def _cheapest(
    pixels: np.ndarray, present: np.ndarray, boundaries: np.ndarray, reach: float
) -> tuple[np.ndarray, np.ndarray]:
    """The same of several annotators: predicted pixels matched to any, boundary pixels of all. Shapes [K].

    Here it matters which pixels are matched, so every threshold and annotator has its own cheapest matching.
    """
    matched = np.zeros_like(present)  # [K, N]
    matched_true = np.zeros(len(present), int)
    for boundary in boundaries:
        lists, near = candidates(pixels, boundary, reach)
        graph = cost_graph(pixels[near], lists, boundary, reach)
        for threshold, there in enumerate(present[:, near]):
            paired = cheapest(graph, np.flatnonzero(there))
            matched[threshold, near[paired]] = True
            matched_true[threshold] += len(paired)
    return matched.sum(axis=1), matched_true


def _by_row(mask: np.ndarray) -> list[list[int]]:
    """Columns where the mask is true, a list a row."""
    return split(mask.nonzero()[1], mask.sum(axis=1))
