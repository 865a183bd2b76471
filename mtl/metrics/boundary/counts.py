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
threshold is the starting point of the next, so only added and removed pixels cost time.
"""

import numpy as np

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
    from mtl.metrics.boundary import compiled  # noqa: PLC0415  loads numba, which only scoring needs

    if nms:
        settings = {"radius": int(nms), "taper": taper, "smooth": smooth, "quantise": quantise}
        pixels, values = compiled.suppress(_float32(probability), **settings, at_least=thresholds[0])
        levels = _passed(values, thresholds, strict)
    else:
        levels = _passed(probability.ravel(), thresholds, strict)
        pixels = np.flatnonzero(levels)
        levels = levels[pixels]
    pixels, words = compiled.thin(pixels, levels, probability.shape, len(thresholds))
    steps = compiled.steps(words, len(thresholds))
    reach = max_distance * np.hypot(*probability.shape)
    graphs = [compiled.candidates(pixels, one, reach) for one in boundaries]
    largest, predicted = compiled.largest(graphs[0], steps)
    if len(graphs) == 1:
        matched_predicted = matched_true = largest
    else:
        alone = compiled.cost_alone(reach)
        paired = [
            compiled.cheapest(graph, steps, compiled.pair_costs(graph, pixels, one), alone)
            for graph, one in zip(graphs, boundaries, strict=True)
        ]  # [A, K, N]
        matched_predicted = np.any(paired, axis=0).sum(axis=1)
        matched_true = np.sum(paired, axis=(0, 2))
    total = np.full(len(thresholds), np.count_nonzero(boundaries))
    return np.stack([matched_predicted, predicted, matched_true, total]).astype(np.int64)


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


def _passed(values: np.ndarray, thresholds: np.ndarray, strict: bool) -> np.ndarray:
    """Number of thresholds that each value, uint8 (of 255) or float, passes. Shape [N]."""
    side = "left" if strict else "right"
    if values.dtype == np.uint8:
        return np.searchsorted(thresholds, np.arange(256) / 255.0, side=side)[values]
    return np.searchsorted(thresholds.astype(values.dtype), values, side=side)
