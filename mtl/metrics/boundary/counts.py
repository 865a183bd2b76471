"""Computes the four counts of the boundary benchmark exactly, at every threshold of one image.

Martin, Fowlkes and Malik, Learning to Detect Natural Image Boundaries, TPAMI 2004.
https://doi.org/10.1109/TPAMI.2004.1273918; protocol of Pont-Tuset and Marques, Supervised Evaluation of Image
Segmentation and Object Proposal Techniques, TPAMI 2016. https://doi.org/10.1109/TPAMI.2015.2481406.

    probability --suppress--> ridge map --thin at K thresholds--> K thin maps --match with the boundary--> counts

    0.1 0.8 0.3      .  .8  .      t = 0.7    t = 0.2      predicted  +        + . b     + and b are within the
    0.2 0.9 0.4  ->  .  .9  .  ->  .  #  .    .  #  .      boundary   b   ->   + . b     tolerance: matched
    0.1 0.6 0.2      .  .6  .      .  #  .    .  #  .                          + . b     one to one
                                   .  .  .    .  #  .

Thresholds are visited from high to low. The thin maps then grow almost monotonically, and the matching at one
threshold is the starting point of the next (`Matching`), so only added and removed pixels cost time.
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
    """Count the matched and present pixels of the prediction and of the boundary at every threshold.

    Args:
        probability: Edge probability, uint8 (of 255) or float in [0, 1]. Shape [H, W].
        boundary: True boundary of one or A annotators, lines one pixel wide, bool. Shape [H, W] or [A, H, W].
        thresholds: Ascending. Shape [K].
        max_distance: Largest distance of a pair, as a fraction of the image diagonal.
        nms: Radius of the non-maximum suppression in pixels (True means 1); False for none.
        strict: Whether a pixel must exceed the threshold; otherwise it may also equal it.
        taper: Width of the image rim that the suppression fades to 0, in pixels.
        smooth: Whether to smooth the probability slightly before the suppression.
        quantise: Whether to round the suppressed map to 8 bits.

    Returns:
        Matched predicted pixels, predicted pixels, matched boundary pixels and boundary pixels, int64. Matching is
        one to one, so with one annotator the two matched rows are equal. With several annotators, their boundary
        pixels are summed, and a predicted pixel is matched if it is matched to any annotator. Shape [4, K].

    Raises:
        ValueError: The sizes differ, a probability is NaN or outside [0, 1], the boundary is not thin, or a setting is
            invalid.
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
    """Reject an invalid edge map, or one whose size differs from the boundary's.

    Args:
        probability: Edge probability. Shape [H, W].
        shape: Shape of the boundary: A, H, W.

    Raises:
        ValueError: The sizes differ or are 0, the type is neither uint8 nor float, or a value is NaN or outside [0, 1].
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
    """The probability in [0, 1], float32. Shape [H, W]."""
    scale = np.float32(255 if probability.dtype == np.uint8 else 1)
    return probability.astype(np.float32) / scale


def _largest(
    pixels: np.ndarray, present: np.ndarray, boundaries: np.ndarray, reach: float
) -> tuple[np.ndarray, np.ndarray]:
    """Numbers of matched predicted and boundary pixels in the largest matching per threshold. Shapes [K].

    Args:
        pixels: Flat positions of the pixels predicted at any threshold. Shape [N].
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
    """As `_largest`, for several annotators: predicted pixels matched to any, boundary pixels of all. Shapes [K].

    Here it matters which pixels are matched, so the lowest-cost matching is computed per threshold and annotator.
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
    """Columns where the mask is true, one list per row."""
    return split(mask.nonzero()[1], mask.sum(axis=1))
