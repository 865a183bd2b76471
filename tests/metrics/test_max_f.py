from math import isnan

import numpy as np
import pytest
import torch
from torchmetrics.classification import BinaryPrecisionRecallCurve

from mtl.metrics import MaxF
from mtl.metrics.max_f import THRESHOLDS


def logits(*probabilities):
    """Two logits whose softmax gives the foreground these probabilities. Shape [1, 2, 1, N]."""
    p = torch.tensor(probabilities, dtype=torch.float64)
    return torch.stack([torch.zeros_like(p), (p / (1 - p)).log()]).view(1, 2, 1, -1).float()


def mask(*labels):
    return torch.tensor(labels, dtype=torch.uint8).view(1, 1, 1, -1)


def score(*batches):
    metric = MaxF()
    for prediction, target in batches:
        metric.update(prediction, target)
    return metric.compute()["max_f"]


def random_split():
    generator = torch.Generator().manual_seed(0)
    target = torch.randint(2, (5, 1, 8, 9), generator=generator, dtype=torch.uint8)
    prediction = torch.randn(5, 2, 8, 9, generator=generator)
    prediction[:, 1:] += 1.5 * target
    target[torch.rand(5, 1, 8, 9, generator=generator) < 0.2] = 255
    return prediction, target


def test_by_hand():
    prediction, target = logits(0.92, 0.72, 0.62, 0.12, 0.99), mask(1, 0, 1, 0, 255)
    # thresholds 0.75 .. 0.90: P = 1, R = 1/2; 0.15 .. 0.60: P = 2/3, R = 1; the rest is worse
    best = max(1.3 * 1 * 0.5 / (0.3 * 1 + 0.5), 1.3 * 2 / 3 / (0.3 * 2 / 3 + 1))
    assert score((prediction, target)) == pytest.approx(100 * best)


def test_equals_the_formula_on_the_curve_of_torchmetrics():
    prediction, target = random_split()
    thresholds = [k * 0.05 for k in range(1, 20)]
    curve = BinaryPrecisionRecallCurve(thresholds=thresholds, ignore_index=255)
    curve.update(prediction.softmax(dim=1)[:, 1], target[:, 0].long())
    precision, recall, _ = (part.double() for part in curve.compute())
    f = (1.3 * precision * recall / (0.3 * precision + recall))[:19].nan_to_num(0)
    assert score((prediction, target)) == pytest.approx(100 * f.max().item(), rel=1e-6)


@pytest.mark.parametrize("preset", THRESHOLDS)
def test_mean_absolute_error(preset):
    prediction, target = random_split()
    valid = target[:, 0] != 255
    probability = 1 / (1 + np.exp((prediction[:, 0] - prediction[:, 1]).double().numpy()))  # softmax of two
    metric = MaxF(preset)
    metric.update(prediction, target)
    expected = np.abs(probability - target[:, 0].numpy())[valid.numpy()].mean()
    assert metric.compute()["mae"] == pytest.approx(expected, rel=1e-6)
    metric = MaxF(preset)
    metric.update(logits(0.9, 0.3, 0.5), mask(1, 0, 255))
    assert metric.compute()["mae"] == pytest.approx((0.1 + 0.3) / 2)


def test_probability_at_the_threshold_is_foreground():
    # exactly 0.5 against 0.47: of all thresholds only 0.50 can tell them apart
    assert score((logits(0.5, 0.47), mask(1, 0))) == pytest.approx(100, rel=1e-14)


def test_invpt_sees_the_probability_through_a_second_sigmoid():
    prediction, target = random_split()
    p = prediction.softmax(dim=1)[:, 1].double()
    label = target[:, 0]
    scores = []
    for at in (-1, 0.2007, 0.4055, 0.6190, 0.8473):  # where sigmoid(p) passes 0.50 and below, 0.55, 0.60, 0.65, 0.70
        hits, alarms = (((p >= at) & (label == which)).sum().item() for which in (1, 0))
        scores.append(1.3 * hits / (0.3 * (label == 1).sum().item() + hits + alarms))
    invpt = MaxF(preset="invpt")
    invpt.update(prediction, target)
    assert invpt.compute()["max_f"] == pytest.approx(100 * max(scores))
    assert (invpt.preset, MaxF().preset) == ("invpt", "plain")


def survey_by_loops(prediction, target):
    """Images, thresholds and pixels one by one, as the survey code states its meter."""
    best = 0
    for threshold in np.linspace(0.2, 0.9, 15):
        precisions, recalls = [], []
        for logits, label in zip(prediction.double().numpy(), target.numpy(), strict=True):
            valid = label[0] != 255
            guess = 1 / (1 + np.exp(logits[0] - logits[1]))[valid] > threshold
            true = label[0][valid] == 1
            precisions.append((guess & true).sum() / max(guess.sum(), 1e-12))
            recalls.append((guess & true).sum() / max(true.sum(), 1e-12))
        p, r = np.mean(precisions), np.mean(recalls)
        best = max(best, 2 * p * r / (p + r) if p + r else 0)
    return 100 * best


def test_survey_averages_precision_and_recall_over_images():
    prediction, target = random_split()
    target[0][target[0] == 1] = 0  # an image without foreground counts, with P = R = 0
    metric = MaxF(preset="survey")
    for one in range(len(target)):
        metric.update(prediction[one : one + 1], target[one : one + 1])
    expected = survey_by_loops(prediction, target)
    assert metric.compute()["max_f"] == pytest.approx(expected, rel=1e-12)
    whole, plain = MaxF(preset="survey"), MaxF()
    for other in (whole, plain):
        other.update(prediction, target)
    assert whole.compute()["max_f"] == pytest.approx(expected, rel=1e-12)
    assert abs(plain.compute()["max_f"] - expected) > 1


def test_survey_by_hand():
    metric = MaxF(preset="survey")
    metric.update(logits(0.95, 0.5, 0.1, 0.1), mask(1, 0, 0, 0))  # P = 1/2, R = 1 below 0.5; P = R = 1 from there on
    metric.update(logits(0.85, 0.1, 0.1, 0.3), mask(1, 0, 0, 1))  # P = R = 1 below 0.3; P = 1, R = 1/2 below 0.85
    metric.update(logits(0.5, 0.5, 0.5, 0.5), mask(255, 255, 255, 255))  # no image at all
    # 0.2 and 0.25: P = 3/4, R = 1; 0.3 to 0.45: P = 3/4, R = 3/4; 0.5 to 0.8: P = 1, R = 3/4; 0.85: P = 1/2, R = 1/2
    assert metric.compute()["max_f"] == pytest.approx(100 * 2 * 0.75 / 1.75)
    assert isnan(MaxF(preset="survey").compute()["max_f"])


@pytest.mark.parametrize("preset", ["plain", "invpt", "survey"])
def test_presets_survive_any_batches(preset):
    prediction, target = random_split()
    whole, parts = MaxF(preset=preset), MaxF(preset=preset)
    whole.update(prediction, target)
    for part in (slice(0, 2), slice(2, 5)):
        parts.update(prediction[part], target[part])
    assert parts.compute()["max_f"] == pytest.approx(whole.compute()["max_f"], rel=1e-14)


def test_unknown_preset_is_refused_by_name():
    with pytest.raises(ValueError, match="plain, invpt, survey, got 'atrc'"):
        MaxF(preset="atrc")


def test_one_threshold_serves_the_whole_split():
    easy = (logits(0.9, 0.6), mask(1, 0))
    hard = (logits(0.3, 0.1), mask(1, 0))
    assert score(easy) == score(hard) == pytest.approx(100, rel=1e-14)
    assert score(easy, hard) < 100


def test_perfect():
    _, target = random_split()
    target[target == 255] = 0
    prediction = torch.cat([1.0 - target, target], dim=1)
    assert score((prediction, target)) == pytest.approx(100, rel=1e-14)


def test_split_without_foreground_is_zero():
    assert score((logits(0.9, 0.1), mask(0, 0))) == 0


def test_foreground_that_is_never_predicted_is_zero():
    assert score((logits(0.01, 0.02), mask(1, 0))) == 0


def test_all_ignored_is_nan():
    assert isnan(score((logits(0.9, 0.1), mask(255, 255))))


def test_two_batches_equal_one():
    prediction, target = random_split()
    assert score((prediction[:2], target[:2]), (prediction[2:], target[2:])) == score((prediction, target))
