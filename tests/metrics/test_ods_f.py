import pytest
import torch

from mtl.metrics.ods_f import OdsF

ROOMS = {
    "preset": "rooms",
    "thresholds": 99,
    "ends": [0.001, 0.999],
    "strict": True,
    "nms": True,
    "taper": 0,
    "max_distance": 0.011,
}


def random_batch(size=4, height=24, width=32, seed=0):
    generator = torch.Generator().manual_seed(seed)
    boundary = torch.zeros(size, 1, height, width, dtype=torch.bool)
    for image in range(size):
        boundary[image, 0, :, 5 + 5 * image] = True
        boundary[image, 0, 3 + 4 * image] = True
    logits = 4 * boundary.roll(1, dims=3).float() - 3
    return logits + torch.randn(logits.shape, generator=generator), boundary


def score(prediction, boundary, **protocol):
    metric = OdsF(**(ROOMS | protocol))
    metric.update(prediction, boundary)
    return metric.compute()["ods_f"]


def test_two_batches_equal_one():
    prediction, boundary = random_batch()
    one, two = OdsF(**ROOMS), OdsF(**ROOMS)
    one.update(prediction, boundary)
    two.update(prediction[:1], boundary[:1])
    two.update(prediction[1:], boundary[1:])
    assert torch.equal(one.counts, two.counts)
    assert one.compute() == two.compute()
    assert 50 < one.compute()["ods_f"] < 100


def test_the_threshold_is_common_to_the_data_set():
    # each image alone reaches 100 at some threshold, but no threshold serves both
    boundary = torch.zeros(2, 1, 16, 16, dtype=torch.bool)
    boundary[:, 0, :, 8] = True
    prediction = torch.full((2, 1, 16, 16), -20.0)
    prediction[0, 0, :, 8], prediction[0, 0, :, 2] = 2.0, 0.5
    prediction[1, 0, :, 8], prediction[1, 0, :, 2] = -1.0, -2.0
    assert score(prediction[:1], boundary[:1]) == score(prediction[1:], boundary[1:]) == 100
    # of both lines at t < 0.11 all are found: P = 1/2, R = 1; at 0.62 < t < 0.88 half: P = 1, R = 1/2;
    # at 0.11 < t < 0.26 three lines, two of them true: P = 2/3, R = 1
    assert score(prediction, boundary) == pytest.approx(80)


def test_perfect():
    _, boundary = random_batch()
    assert score(40 * boundary.float() - 20, boundary, nms=False) == 100


def test_empty_prediction_empty_boundary_and_no_image_give_zero():
    _, boundary = random_batch()
    nothing = torch.full(boundary.shape, -200.0)
    assert score(nothing, boundary) == 0
    assert score(-nothing, torch.zeros_like(boundary)) == 0
    assert score(nothing, torch.zeros_like(boundary)) == 0
    assert OdsF(**ROOMS).compute() == {"ods_f": 0.0}


def test_probability_is_cut_to_8_bits_not_rounded():
    # sigmoid(0) = 0.5 is stored as 127, and 127 / 255 does not exceed 0.499
    boundary = torch.ones(1, 1, 1, 9, dtype=torch.bool)
    protocol = {"thresholds": 0, "nms": False}
    assert score(torch.zeros(1, 1, 1, 9), boundary, ends=[0.499], **protocol) == 0
    assert score(torch.zeros(1, 1, 1, 9), boundary, ends=[0.498], **protocol) == 100


def test_half_precision_logits_are_scored():
    prediction, boundary = random_batch()
    rounded = prediction.bfloat16()
    assert score(rounded, boundary) == score(rounded.float(), boundary)


def test_rim_counts_without_taper_only():
    boundary = torch.zeros(1, 1, 30, 30, dtype=torch.bool)
    boundary[0, 0, :, 0] = True
    prediction = 40 * boundary.float() - 20
    assert score(prediction, boundary) == 100
    assert score(prediction, boundary, taper=5) == 0


def test_thresholds_are_the_even_ones_and_the_ends():
    metric = OdsF(**ROOMS)
    assert metric.thresholds.tolist() == [0.001, *(k / 100 for k in range(1, 100)), 0.999]
    assert OdsF(**(ROOMS | {"ends": []})).thresholds.tolist() == [k / 100 for k in range(1, 100)]


def test_states_of_two_processes_add_up_and_reset_forgets():
    prediction, boundary = random_batch()
    whole, first, second = OdsF(**ROOMS), OdsF(**ROOMS), OdsF(**ROOMS)
    whole.update(prediction, boundary)
    first.update(prediction[::2], boundary[::2])
    second.update(prediction[1::2], boundary[1::2])
    first.merge_state(second)
    assert first.counts.dtype == torch.int64
    assert torch.equal(first.counts, whole.counts)
    first.reset()
    assert not first.counts.any()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"thresholds": 0, "ends": []}, "thresholds=0"),
        ({"ends": [1.5]}, "1.5"),
        ({"max_distance": -0.1}, "max_distance=-0.1"),
        ({"nms": False, "taper": 5}, "taper=5"),
    ],
)
def test_an_impossible_protocol_is_refused(change, message):
    with pytest.raises(ValueError, match=message):
        OdsF(**(ROOMS | change))


@pytest.mark.parametrize(
    ("prediction", "boundary", "message"),
    [
        (torch.zeros(2, 1, 8, 9), torch.zeros(2, 1, 9, 8, dtype=torch.bool), r"\[2, 1, 8, 9\]"),
        (torch.zeros(2, 2, 8, 9), torch.zeros(2, 2, 8, 9, dtype=torch.bool), r"\[2, 2, 8, 9\]"),
        (torch.full((1, 1, 8, 9), torch.nan), torch.zeros(1, 1, 8, 9, dtype=torch.bool), "72 NaN"),
        (torch.zeros(1, 1, 8, 9), torch.zeros(1, 1, 8, 9, dtype=torch.uint8), "uint8"),
    ],
)
def test_bad_input_is_refused_by_name(prediction, boundary, message):
    with pytest.raises(ValueError, match=message):
        OdsF(**ROOMS).update(prediction, boundary)
