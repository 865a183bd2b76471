from math import cos, isnan, nan, radians, sin

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from mtl.metrics import MeanAngularError

FORWARD = (0.0, 0.0, 1.0)


def normals(*vectors):
    return torch.tensor(vectors).T.reshape(1, 3, 1, -1)  # [1, 3, 1, N]


def values(*batches):
    metric = MeanAngularError()
    for prediction, target in batches:
        metric.update(prediction, target)
    return metric.compute()


def score(*batches):
    return values(*batches)["mean_angular_error"]


def turned(*degrees):
    """Vectors at these angles to FORWARD. Shape [1, 3, 1, N]."""
    angles = torch.deg2rad(torch.tensor(degrees, dtype=torch.float64))
    return torch.stack([angles.sin(), 0 * angles, angles.cos()]).reshape(1, 3, 1, -1)


def random_split():
    generator = torch.Generator().manual_seed(0)
    prediction = torch.randn(4, 3, 5, 6, generator=generator)
    target = F.normalize(torch.randn(4, 3, 5, 6, generator=generator), dim=1)
    target[torch.rand(4, 1, 5, 6, generator=generator).expand_as(target) < 0.3] = 0
    return prediction, target


@pytest.mark.parametrize(
    ("prediction", "degrees"),
    [
        ((0.0, 0.0, 1.0), 0),
        ((0.0, 1.0, 1.0), 45),
        ((-1.0, 0.0, 0.0), 90),
        ((0.0, 0.0, -1.0), 180),
        ((0.0, 0.0, 0.0), 90),
    ],
)
def test_by_hand(prediction, degrees):
    assert score((normals(prediction), normals(FORWARD))) == pytest.approx(degrees, abs=1e-12)


def test_mean_is_over_valid_pixels_only():
    prediction = normals((0.0, 1.0, 1.0), (1.0, 0.0, 0.0), FORWARD)
    target = normals(FORWARD, FORWARD, (0.0, 0.0, 0.0))
    assert score((prediction, target)) == pytest.approx((45 + 90) / 2)


def test_every_normal_that_is_not_exactly_zero_counts():
    """No bound on the length here: the loader alone decides which pixels are valid."""
    target = normals((0.0, 0.0, 1e-6), (0.0, 0.0, 0.09), (0.0, 0.0, 0.0))
    assert score((normals((0.0, 1.0, 1.0), (1.0, 0.0, 0.0), FORWARD), target)) == pytest.approx((45 + 90) / 2)


def test_equals_the_arc_cosine_of_the_dot_product():
    prediction, target = random_split()
    valid = target.abs().sum(dim=1) > 0
    unit = F.normalize(prediction.double(), dim=1)
    truth = F.normalize(target.double(), dim=1)
    expected = torch.rad2deg((unit * truth).sum(dim=1)[valid].acos()).mean().item()
    assert score((prediction, target)) == pytest.approx(expected, rel=1e-12)


def test_median_and_shares_by_hand():
    odd = values((turned(40, 11.24, 11.26, 22.49, 180), normals(*[FORWARD] * 5)))
    assert odd["median_angular_error"] == pytest.approx(22.49, abs=0.005 + 1e-9)
    assert [odd[f"within_{bound}"] for bound in ("11_25", "22_5", "30")] == pytest.approx([20, 60, 60])
    even = values((turned(10, 50, 0, 90), normals(*[FORWARD] * 4)))
    assert even["median_angular_error"] == pytest.approx(30, abs=0.005 + 1e-9)


def test_median_and_shares_equal_numpy():
    generator = torch.Generator().manual_seed(3)
    target = F.normalize(torch.randn(4, 3, 25, 30, generator=generator), dim=1)
    target[torch.rand(4, 1, 25, 30, generator=generator).expand_as(target) < 0.3] = 0
    prediction = target + 0.2 * torch.randn(4, 3, 25, 30, generator=generator)
    valid = target.abs().sum(dim=1) > 0
    unit, truth = (F.normalize(vectors.double(), dim=1) for vectors in (prediction, target))
    angles = np.degrees(np.arccos((unit * truth).sum(dim=1)[valid].numpy()))
    found = values((prediction, target))
    assert found["median_angular_error"] == pytest.approx(np.median(angles), abs=0.005)
    for key, bound in (("within_11_25", 11.25), ("within_22_5", 22.5), ("within_30", 30)):
        assert found[key] == pytest.approx(100 * np.mean(angles < bound), rel=1e-12)
        assert 5 < found[key] < 98


def test_prediction_that_is_not_a_number_makes_the_mean_nan_and_counts_as_180_degrees():
    found = values((normals((nan, 0.0, 0.0), FORWARD, FORWARD), normals(*[FORWARD] * 3)))
    assert isnan(found["mean_angular_error"])
    assert found["within_30"] == pytest.approx(100 * 2 / 3)
    assert found["median_angular_error"] == pytest.approx(0, abs=0.005 + 1e-9)


def test_a_millionth_of_a_degree_is_resolved():
    angle = radians(1e-6)
    prediction = torch.tensor([sin(angle), 0, cos(angle)], dtype=torch.float64).view(1, 3, 1, 1)
    assert score((prediction, normals(FORWARD))) == pytest.approx(1e-6, rel=1e-6)


def test_length_of_the_prediction_is_free():
    prediction, target = random_split()
    assert score((8 * prediction, target)) == pytest.approx(score((prediction, target)), rel=1e-14)


def test_perfect():
    _, target = random_split()
    assert score((3 * target, target)) == pytest.approx(0, abs=1e-5)  # 3n is rounded to float32
