import numpy as np
import pytest
import torch
from protocols import plain

from mtl.metrics import OdsF, boundary_counts
from mtl.metrics.boundary.scores import average_precision, f_measure, interpolated_f


def metric_of(max_distance=0.011, workers=0, **changes):
    return OdsF(protocol=plain(**changes), max_distance=max_distance, workers=workers)


def random_batch(size=4, height=24, width=32, seed=0):
    generator = torch.Generator().manual_seed(seed)
    boundary = torch.zeros(size, 1, height, width, dtype=torch.bool)
    for image in range(size):
        boundary[image, 0, :, 5 + 5 * image] = True
        boundary[image, 0, 3 + 4 * image] = True
    logits = 4 * boundary.roll(1, dims=3).float() - 3
    return logits + torch.randn(logits.shape, generator=generator), boundary


def score(prediction, boundary, **protocol):
    metric = metric_of(**protocol)
    metric.update(prediction, boundary)
    return metric.compute()["ods_f"]


def test_two_batches_equal_one():
    prediction, boundary = random_batch()
    one, two = metric_of(), metric_of()
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
    assert score(40 * boundary.float() - 20, boundary, nms=0) == 100


def test_empty_prediction_empty_boundary_and_no_image_give_zero():
    _, boundary = random_batch()
    nothing = torch.full(boundary.shape, -200.0)
    assert score(nothing, boundary) == 0
    assert score(-nothing, torch.zeros_like(boundary)) == 0
    assert score(nothing, torch.zeros_like(boundary)) == 0
    assert metric_of().compute() == {"ods_f": 0, "ois_f": 0, "ap": 0}


def test_probability_is_cut_to_8_bits_not_rounded():
    # sigmoid(0) = 0.5 is stored as 127, and 127 / 255 does not exceed 0.499
    boundary = torch.ones(1, 1, 1, 9, dtype=torch.bool)
    protocol = {"thresholds": 0, "nms": 0}
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


def values_of_half(rank):
    metric = metric_of(workers=1)
    metric.update(*(part[rank::2] for part in random_batch()))
    return metric.compute(), metric.counts


def test_values_are_those_of_all_processes(two_processes):
    prediction, boundary = random_batch()
    whole = metric_of()
    whole.update(prediction, boundary)
    first, second = two_processes(values_of_half)
    assert first[0] == second[0] == whole.compute()
    assert torch.equal(first[1] + second[1], whole.counts)


def test_tolerance_that_is_no_fraction_is_refused():
    with pytest.raises(ValueError, match=r"max_distance=-0.1"):
        metric_of(max_distance=-0.1)


@pytest.mark.parametrize(
    ("prediction", "boundary", "message"),
    [
        (torch.zeros(2, 1, 8, 9), torch.zeros(2, 1, 9, 8, dtype=torch.bool), r"\[2, 1, 8, 9\] .* \[2, 1, 9, 8\]; both"),
        (torch.zeros(2, 2, 8, 9), torch.zeros(2, 2, 8, 9, dtype=torch.bool), r"\[2, 2, 8, 9\]"),
        (torch.full((1, 1, 8, 9), torch.nan), torch.zeros(1, 1, 8, 9, dtype=torch.bool), "72 NaN"),
        (torch.zeros(1, 1, 8, 9), torch.zeros(1, 1, 8, 9, dtype=torch.uint8), "uint8"),
        (torch.zeros(1, 1, 8, 9), torch.ones(1, 1, 8, 9, dtype=torch.bool), "not thin: 100%"),
    ],
)
def test_bad_input_is_refused_by_name(prediction, boundary, message):
    with pytest.raises(ValueError, match=message):
        metric_of().update(prediction, boundary)


def test_partition_is_scored_at_the_border_of_its_regions():
    partition = torch.ones(1, 1, 20, 30, dtype=torch.int16)
    partition[..., 12:] = 7
    line = torch.zeros(1, 1, 20, 30, dtype=torch.bool)
    line[..., 11] = True
    prediction = 8.0 * line - 4
    assert score(prediction, partition) == score(prediction, line) == 100


def test_lines_taken_for_a_partition_move_by_half_a_pixel():
    line = torch.zeros(1, 1, 20, 30, dtype=torch.bool)
    line[..., 12] = True
    on, beside = 8.0 * line - 4, 8.0 * line.roll(-1, dims=3) - 4
    exact = {"max_distance": 0.0, "nms": 0}
    assert score(on, line, **exact) == 100
    # thinning both sides of the line leaves the west one without its first pixel
    assert score(beside, line, lines_as_partition=True, **exact) == pytest.approx(100 * 2 * 19 / (19 + 20))
    assert score(on, line, lines_as_partition=True, **exact) < 10


@pytest.mark.parametrize("interpolate", [False, True])
def test_ods_ois_and_ap_are_made_of_the_same_counts(interpolate):
    prediction, boundary = random_batch()
    metric = metric_of(interpolate=interpolate)
    metric.update(prediction, boundary)
    values = metric.compute()
    largest = interpolated_f(metric.counts) if interpolate else float(f_measure(metric.counts).max())
    assert values["ods_f"] == 100 * largest >= score(prediction, boundary)
    assert values["ap"] == 100 * average_precision(metric.counts)
    best = torch.zeros(4, dtype=torch.int64)
    for one in range(len(prediction)):
        single = metric_of()
        single.update(prediction[one : one + 1], boundary[one : one + 1])
        best += single.counts[:, f_measure(single.counts).argmax()]
    assert values["ois_f"] == 100 * float(f_measure(best[:, None]))


def test_boundaries_of_several_annotators_are_added_up():
    prediction, boundary = random_batch()
    both = torch.cat([boundary, boundary.roll(2, dims=2)], dim=1)
    metric = metric_of(thresholds=9)
    metric.update(prediction, both)
    assert metric.counts[3, 0] == both.sum()
    protocol = metric.protocol
    expected = [
        protocol.counts((255 * p.sigmoid()).to(torch.uint8)[0].numpy(), t.numpy(), max_distance=0.011)
        for p, t in zip(prediction, both, strict=True)
    ]
    assert np.array_equal(metric.counts.numpy(), sum(expected))


def test_image_list_counts_its_images_alone_and_wants_all_of_them(tmp_path):
    names = tmp_path / "half.txt"
    names.write_text("a\nc\n")
    prediction, boundary = random_batch()
    metric = metric_of(image_list=names)
    assert [metric.judges(image) for image in "abcd"] == [True, False, True, False]
    assert metric.preset == "plain/half"
    metric.update(prediction[:1], boundary[:1])
    with pytest.raises(ValueError, match=r"names 2 images, but the split has 1 of them"):
        metric.compute()
    metric.update(prediction[2:3], boundary[2:3])
    assert metric.compute()["ods_f"] == score(prediction[::2], boundary[::2])


def test_processes_change_no_number():
    prediction, boundary = random_batch()
    alone, helped = metric_of(), metric_of(workers=2)
    alone.update(prediction, boundary)
    for one in range(len(prediction)):
        helped.update(prediction[one : one + 1], boundary[one : one + 1])
    assert helped.compute() == alone.compute()
    assert torch.equal(helped.counts, alone.counts)
    assert torch.equal(helped.best_counts, alone.best_counts)


def test_images_on_their_way_are_forgotten_by_a_reset_and_waited_for_by_compute():
    prediction, boundary = random_batch()
    helped = metric_of(workers=1)
    helped.update(prediction[:2], boundary[:2])
    helped.reset()
    assert not helped.counts.any()
    helped.update(prediction[2:], boundary[2:])
    assert helped.compute()["ods_f"] == score(prediction[2:], boundary[2:])
    helped.update(prediction[:2], boundary[:2])
    assert helped.compute()["ods_f"] == score(prediction, boundary)


def test_one_image_is_scored_as_the_function_says():
    prediction, boundary = random_batch(size=1)
    metric = metric_of(taper=5)
    metric.update(prediction, boundary)
    counts = boundary_counts(
        (255 * prediction.sigmoid()).to(torch.uint8)[0, 0].numpy(),
        boundary[0, 0].numpy(),
        thresholds=metric.protocol.grid,
        max_distance=0.011,
    )
    assert np.array_equal(metric.counts.numpy(), counts)
