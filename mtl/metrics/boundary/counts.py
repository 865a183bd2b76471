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

import cv2
import numpy as np

from mtl.metrics.boundary.candidates import candidates, split
from mtl.metrics.boundary.matching import Matching
from mtl.metrics.boundary.nms import suppress
from mtl.metrics.boundary.thinning import pack, thin, unpack


def boundary_counts(
    probability: np.ndarray,
    boundary: np.ndarray,
    *,
    thresholds: np.ndarray,
    max_distance: float,
    nms: bool | int = True,
    taper: int = 0,
    strict: bool = True,
) -> np.ndarray:
    """Count matched and present pixels of prediction and boundary at every threshold.

    Args:
        probability: Edge probability, uint8 (of 255) or float in [0, 1]. Shape [H, W].
        boundary: True boundary, lines one pixel thin, bool. Shape [H, W].
        thresholds: Ascending. Shape [K].
        max_distance: Largest distance of a pair, as a fraction of the image diagonal.
        nms: Radius of the non-maximum suppression in pixels (true is 1), false for none.
        taper: Rim that the suppression fades to 0, in pixels.
        strict: Whether a pixel has to exceed the threshold; otherwise reaching it is enough.

    Returns:
        Matched predicted pixels, predicted pixels, matched boundary pixels and boundary pixels, int64. Pairing is
        one to one, so the two matched rows are equal. Shape [4, K].

    Raises:
        ValueError: If sizes differ, a probability is outside [0, 1] or not a number, or the boundary is not thin.
    """
    thresholds = np.asarray(thresholds)
    _check(probability, boundary, thresholds)
    if nms:
        scale = np.float32(255 if probability.dtype == np.uint8 else 1)
        probability = suppress(probability.astype(np.float32) / scale, radius=int(nms), taper=taper)
    elif probability.dtype == np.uint8:
        probability = probability / 255
    side = "left" if strict else "right"
    levels = np.searchsorted(thresholds.astype(probability.dtype), probability, side=side)  # thresholds passed
    words = thin(pack(levels, len(thresholds)))[:, 1:-1, 1:-1].reshape(-1, boundary.size)
    pixels = np.flatnonzero(words.any(axis=0))
    present = unpack(words[:, pixels], len(thresholds))  # [K, N]
    matched = _matched(pixels, present, boundary, max_distance * np.hypot(*boundary.shape))
    total = np.full(len(thresholds), np.count_nonzero(boundary))
    return np.stack([matched, present.sum(axis=1), matched, total]).astype(np.int64)


def _matched(pixels: np.ndarray, present: np.ndarray, boundary: np.ndarray, reach: float) -> np.ndarray:
    """Size of the largest matching at every threshold. Shape [K].

    Args:
        pixels: Flat positions of the pixels that are predicted at some threshold. Shape [N].
        present: Which of them are predicted at each threshold. Shape [K, N].
        boundary: True boundary. Shape [H, W].
        reach: Largest distance of a pair, in pixels.
    """
    lists, near = candidates(pixels, boundary, reach)
    falling = present[::-1, near]  # [K, M]
    above = np.concatenate([np.zeros_like(falling[:1]), falling[:-1]])
    matching = Matching(lists, np.count_nonzero(boundary))
    steps = zip(_by_row(above & ~falling), _by_row(falling & ~above), strict=True)
    return np.array([matching.step(removed, added) for removed, added in steps])[::-1]


def _by_row(mask: np.ndarray) -> list[list[int]]:
    """Columns where the mask is true, a list a row."""
    return split(mask.nonzero()[1], mask.sum(axis=1))


def _check(probability: np.ndarray, boundary: np.ndarray, thresholds: np.ndarray) -> None:
    if len(thresholds) == 0 or (np.diff(thresholds) <= 0).any():
        raise ValueError(f"thresholds are {thresholds.tolist()}; pass at least one, in ascending order")
    if probability.ndim != 2 or probability.shape != boundary.shape:
        raise ValueError(
            f"probability is {list(probability.shape)} and boundary {list(boundary.shape)}; both must be [H, W]"
        )
    if boundary.dtype != bool:
        raise ValueError(f"boundary is {boundary.dtype}; pass bool, true on the boundary")
    solid = cv2.erode(boundary.astype(np.uint8), np.ones((3, 3), np.uint8), borderValue=0)
    share = np.count_nonzero(solid) / max(np.count_nonzero(boundary), 1)
    # thinning can leave a solid block where many lines meet, but nowhere near one in ten pixels
    if share > 0.1:
        raise ValueError(f"{share:.0%} of the boundary lies inside solid 3 x 3 blocks; thin the boundary first")
    if probability.dtype != np.uint8:
        if not np.issubdtype(probability.dtype, np.floating):
            raise ValueError(f"probability is {probability.dtype}; pass uint8 (of 255) or float in [0, 1]")
        low, high = float(probability.min()), float(probability.max())
        if not (low >= 0 and high <= 1):
            raise ValueError(f"probability ranges over [{low}, {high}]; pass numbers in [0, 1], not logits")
