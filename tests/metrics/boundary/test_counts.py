from pathlib import Path

import numpy as np
import pytest
import torch
from skimage.morphology import thin as reference

from mtl.metrics.boundary import boundary_counts
from mtl.metrics.boundary.compiled import suppress, thin, unpack
from mtl.metrics.ods_f import f_measure

GOLDEN = sorted((Path(__file__).parents[2] / "golden" / "edges").glob("*.npz"))


@pytest.fixture(scope="module", params=GOLDEN, ids=lambda path: path.stem)
def golden(request):
    with np.load(request.param) as file:
        return dict(file)


def test_no_golden_case_is_overlooked():
    assert len(GOLDEN) == 5


def scored(golden, probability, **protocol):
    return boundary_counts(
        probability,
        golden["gt"] > 0,
        thresholds=golden["thresholds"],
        max_distance=float(golden["max_dist"]),
        **protocol,
    )


def expected(golden, variant):
    return np.stack([golden[f"{variant}_{row}"] for row in ("cntP", "sumP", "cntR", "sumR")])


def ods(counts):
    return float(f_measure(torch.from_numpy(counts)).max())


def test_golden_counts_are_exact_after_suppression(golden):
    counts = scored(golden, golden["nms_map"], nms=False, strict=True)
    assert counts.dtype == np.int64
    assert np.array_equal(counts, expected(golden, "nms"))
    assert abs(ods(counts) - float(golden["nms_odsF"])) < 1e-12


def test_golden_counts_are_exact_without_suppression(golden):
    counts = scored(golden, golden["pred"], nms=False, strict=False)
    assert np.array_equal(counts, expected(golden, "raw"))
    assert abs(ods(counts) - float(golden["raw_odsF"])) < 1e-12


def test_golden_maps_are_thinned_bit_for_bit(golden):
    thresholds = golden["thresholds"]
    for variant, values, side in (("nms", golden["nms_map"], "left"), ("raw", golden["pred"] / 255.0, "right")):
        levels = np.searchsorted(thresholds.astype(values.dtype), values.ravel(), side=side)
        pixels, words = thin(np.arange(values.size), levels, values.shape, len(thresholds))
        maps = np.zeros((len(thresholds), values.size), bool)
        maps[:, pixels] = unpack(words, len(thresholds))
        packed = np.packbits(maps.reshape(-1, *values.shape), axis=-1)
        assert np.array_equal(packed, golden[f"{variant}_thin_maps"])


def test_golden_f_measure_holds_at_every_threshold(golden):
    for variant in ("nms", "raw"):
        f = f_measure(torch.from_numpy(expected(golden, variant))).numpy()
        np.testing.assert_allclose(f, golden[f"{variant}_F"], rtol=0, atol=1e-12)


def test_own_suppression_decides_as_the_golden_one(golden):
    kept = np.zeros(golden["pred"].shape, np.float32)
    pixels, values = suppress(golden["pred"].astype(np.float32) / np.float32(255), radius=1, taper=5)
    kept.flat[pixels] = values
    decided_otherwise = np.count_nonzero((kept > 0) != (golden["nms_map"] > 0))
    assert decided_otherwise <= 1e-3 * np.count_nonzero(golden["nms_map"])
    both = (kept > 0) & (golden["nms_map"] > 0)
    np.testing.assert_allclose(kept[both], golden["nms_map"][both], rtol=1e-6)
    counts = scored(golden, golden["pred"], nms=True, strict=True)  # a taper of 5 pixels belongs to it
    assert abs(ods(counts) - float(golden["nms_odsF"])) < 1e-4


def test_float_and_8_bit_probabilities_count_the_same(golden):
    as_float = golden["pred"].astype(np.float32) / np.float32(255)
    assert np.array_equal(scored(golden, as_float, nms=True), scored(golden, golden["pred"], nms=True))


# true boundary (b), its column 3; predicted at 0.9 (#) and at 0.4 (+); tolerance one pixel
#   . . . # . . .      (0, 3) on the boundary: matched
#   . . . b . . .
#   . . . b # . .      (2, 4) one pixel off: matched
#   . . . b . . +      (3, 6) three pixels off: not matched
#   . . # b # . .      (4, 2) and (4, 4) both want (4, 3), one is left over
def tiny():
    boundary = np.zeros((5, 7), bool)
    boundary[:, 3] = True
    probability = np.zeros((5, 7), np.float32)
    probability[[0, 2, 4, 4], [3, 4, 2, 4]] = 0.9
    probability[3, 6] = 0.4
    return probability, boundary


def test_hand_counted_case():
    probability, boundary = tiny()
    counts = boundary_counts(
        probability, boundary, thresholds=[0.2, 0.6, 0.95], max_distance=1.01 / np.hypot(5, 7), nms=False
    )
    assert counts.tolist() == [[3, 3, 0], [5, 4, 0], [3, 3, 0], [5, 5, 5]]


def test_tolerance_is_a_fraction_of_the_diagonal():
    probability, boundary = tiny()
    for pixels, matched in ((0.99, 1), (1.01, 3), (1.5, 4), (3.01, 5)):
        counts = boundary_counts(
            probability, boundary, thresholds=[0.2], max_distance=pixels / np.hypot(5, 7), nms=False
        )
        assert counts[0, 0] == matched


def test_strict_wants_more_than_the_threshold():
    probability, boundary = np.array([[51, 52, 0]], np.uint8), np.array([[True, False, False]])
    for strict, predicted in ((True, 1), (False, 2)):
        counts = boundary_counts(probability, boundary, thresholds=[0.2], max_distance=0.1, nms=False, strict=strict)
        assert counts[1, 0] == predicted


def test_suppressed_pixels_equal_a_threshold_of_zero():
    probability, boundary = tiny()
    settings = {"thresholds": [0.0, 0.2], "max_distance": 0.1, "nms": True, "taper": 0}
    exceeds = boundary_counts(probability, boundary, **settings, strict=True)
    equals = boundary_counts(probability, boundary, **settings, strict=False)
    assert exceeds[1, 0] == exceeds[1, 1] == equals[1, 1]
    assert equals[1, 0] == np.count_nonzero(reference(np.ones((5, 7), bool)))


def test_empty_map_and_empty_boundary_are_counted():
    probability, boundary = tiny()
    protocol = {"thresholds": [0.2, 0.6], "max_distance": 0.1, "nms": False}
    nothing = boundary_counts(np.zeros_like(probability), boundary, **protocol)
    assert nothing.tolist() == [[0, 0], [0, 0], [0, 0], [5, 5]]
    no_truth = boundary_counts(probability, np.zeros_like(boundary), **protocol)
    assert no_truth.tolist() == [[0, 0], [5, 4], [0, 0], [0, 0]]
    with_nms = boundary_counts(np.zeros_like(probability), boundary, **(protocol | {"nms": True}))
    assert np.array_equal(with_nms, nothing)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"probability": np.zeros((5, 6), np.float32)}, r"\[5, 6\] and boundary \[5, 7\]"),
        ({"probability": np.full((5, 7), np.nan, np.float32)}, "nan"),
        ({"probability": np.full((5, 7), 1.5, np.float32)}, "1.5"),
        ({"probability": np.full((5, 7), -0.5, np.float32)}, "-0.5"),
        ({"probability": np.ones((5, 7), np.int64)}, "int64"),
        ({"boundary": np.ones((5, 7), np.uint8)}, "uint8"),
        ({"boundary": np.ones((5, 7), bool)}, "not thin: 100%"),
        ({"thresholds": [0.5, 0.2]}, "ascending"),
        ({"thresholds": []}, "at least one"),
        ({"thresholds": [0.5, np.nan]}, "nan"),
        ({"max_distance": -0.1}, "max_distance=-0.1"),
        ({"max_distance": np.nan}, "max_distance=nan"),
        ({"probability": np.zeros((0, 7), np.float32), "boundary": np.zeros((0, 7), bool)}, "not empty"),
        ({"probability": np.zeros((1, 7), np.float32), "boundary": np.zeros((1, 7), bool)}, "2 x 2 pixels"),
        ({"boundary": np.zeros((2, 7, 5), bool)}, r"\[5, 7\] and boundary \[7, 5\] of 2 annotators"),
    ],
)
def test_bad_input_is_refused_by_name(change, message):
    probability, boundary = tiny()
    arguments = {"probability": probability, "boundary": boundary, "thresholds": [0.5], "max_distance": 0.1}
    with pytest.raises(ValueError, match=message):
        boundary_counts(**(arguments | change))
