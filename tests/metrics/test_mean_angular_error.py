from math import cos, isnan, radians, sin

import pytest
import torch
import torch.nn.functional as F

from mtl.metrics import MeanAngularError

FORWARD = (0.0, 0.0, 1.0)


def normals(*vectors):
    return torch.tensor(vectors).T.reshape(1, 3, 1, -1)  # [1, 3, 1, N]


def score(*batches):
    metric = MeanAngularError()
    for prediction, target in batches:
        metric.update(prediction, target)
    return metric.compute()["mean_angular_error"]


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


def test_all_ignored_is_nan():
    prediction, target = random_split()
    assert isnan(score((prediction, torch.zeros_like(target))))


def test_two_batches_equal_one():
    prediction, target = random_split()
    parts = score((prediction[:1], target[:1]), (prediction[1:], target[1:]))
    assert parts == pytest.approx(score((prediction, target)), rel=1e-14)
