from math import sqrt

import numpy as np
import pytest
import torch
from torchmetrics import MeanAbsolutePercentageError, MeanSquaredError

from mtl.metrics import RMSE


def image(*values):
    return torch.tensor(values).view(1, 1, 1, -1)


def random_split():
    generator = torch.Generator().manual_seed(0)
    prediction = 3 + torch.randn(5, 1, 6, 7, generator=generator)
    target = 5 * torch.rand(5, 1, 6, 7, generator=generator)
    target[torch.rand(5, 1, 6, 7, generator=generator) < 0.3] = 0
    return prediction, target


def values(*batches):
    metric = RMSE()
    for prediction, target in batches:
        metric.update(prediction, target)
    return metric.compute()


def score(*batches):
    return values(*batches)["rmse"]


def test_by_hand():
    assert score((image(1.0, 9.0, 4.0), image(2.0, 0.0, 2.0))) == pytest.approx(sqrt((1 + 4) / 2))


def test_negative_depth_counts_as_zero():
    assert score((image(-3.0, 2.0), image(2.0, 2.0))) == pytest.approx(sqrt(4 / 2))


def test_equals_numpy_and_torchmetrics():
    prediction, target = random_split()
    valid = target > 0
    reference = MeanSquaredError(squared=False)
    reference.update(prediction.clamp(min=0)[valid], target[valid])
    guess, truth = prediction[valid].double().clamp(min=0).numpy(), target[valid].double().numpy()
    value = score((prediction, target))
    assert value == pytest.approx(np.sqrt(np.mean((guess - truth) ** 2)), rel=1e-14)
    assert value == pytest.approx(reference.compute().item(), rel=1e-6)


def test_relative_errors_by_hand():
    # ratios 1.5, 1.25 (not below 1.25), 1.2 and infinity; the last pixel is not valid
    found = values((image(3.0, 4.0, 5.0, -1.0, 7.0), image(2.0, 5.0, 6.0, 4.0, 0.0)))
    assert found["abs_rel"] == pytest.approx((1 / 2 + 1 / 5 + 1 / 6 + 1) / 4)
    assert found["delta_1"] == pytest.approx(100 * 1 / 4)


def test_relative_errors_equal_numpy_and_torchmetrics():
    prediction, target = random_split()
    target[(target > 0) & (target < 0.1)] = 0.1  # torchmetrics sets a floor to the denominator
    valid = target > 0
    guess, truth = prediction.clamp(min=0)[valid], target[valid]
    found = values((prediction, target))
    assert found["abs_rel"] == pytest.approx(MeanAbsolutePercentageError()(guess, truth).item(), rel=1e-5)
    ratio = np.maximum(guess.numpy() / truth.numpy(), truth.numpy() / np.maximum(guess.numpy(), 1e-9))
    assert found["delta_1"] == pytest.approx(100 * (ratio < 1.25).mean(), rel=1e-12)
    assert 20 < found["delta_1"] < 50


def test_label_that_may_be_zero_has_no_relative_error():
    metric = RMSE()
    metric.fill = -1.0
    metric.update(image(0.5, 0.5), image(0.0, -1.0))
    assert metric.compute() == {"rmse": 0.5}


def test_perfect():
    _, target = random_split()
    assert values((target, target)) == {"rmse": 0, "abs_rel": 0, "delta_1": 100}


def test_pixels_are_pooled_over_the_split_not_averaged_per_image():
    # one image with one valid pixel that is off by 2, one with three perfect pixels
    pooled = score((image(3.0, 3.0, 3.0), image(1.0, 0.0, 0.0)), (image(1.0, 1.0, 1.0), image(1.0, 1.0, 1.0)))
    assert pooled == pytest.approx(sqrt(4 / 4))


def test_small_errors_after_a_large_sum_are_not_lost():
    small = (torch.full((1, 1, 1, 1), 1.0), torch.full((1, 1, 1, 1), 1.5))  # adds 1/4 to a sum of 1e8
    value = score((image(10001.0), image(1.0)), *[small] * 400)
    assert value == pytest.approx(sqrt((1e8 + 100) / 401), rel=1e-12)


def test_half_precision_prediction_is_compared_in_full():
    target = image(3.0)
    value = score((torch.tensor([2.5], dtype=torch.bfloat16).view(1, 1, 1, 1), target))
    assert value == 0.5
