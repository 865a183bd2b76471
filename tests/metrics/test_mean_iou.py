from math import isnan

import pytest
import torch
from torchmetrics.classification import MulticlassAccuracy, MulticlassJaccardIndex

from mtl.metrics import MeanIoU


def logits(labels, num_classes):
    """Logits whose largest entry is at the label. Shape [B, K, H, W]."""
    return torch.nn.functional.one_hot(labels, num_classes).movedim(-1, 1).float()


def row(*labels):
    return torch.tensor(labels).view(1, 1, -1)


def values(prediction, target, **options):
    metric = MeanIoU(**options)
    metric.update(logits(prediction, options["num_classes"]), target.unsqueeze(1).to(torch.uint8))
    return metric.compute()


def score(prediction, target, **options):
    return values(prediction, target, **options)["miou"]


def random_split(num_classes, seed=0):
    generator = torch.Generator().manual_seed(seed)
    prediction = torch.randn(6, num_classes, 8, 9, generator=generator)
    target = torch.randint(num_classes - 2, (6, 1, 8, 9), generator=generator, dtype=torch.uint8)
    target[torch.rand(6, 1, 8, 9, generator=generator) < 0.2] = 255
    return prediction, target


def test_by_hand():
    # class 0: 1 hit of 3 pixels in the union; class 1: 1 of 2; class 2: 1 of 2; the last pixel is not valid
    value = score(row(0, 0, 1, 2, 0), row(0, 1, 1, 2, 255), num_classes=3)
    assert value == pytest.approx(100 * (1 / 2 + 1 / 2 + 1) / 3)


def test_equals_the_mean_of_torchmetrics_over_all_classes():
    prediction, target = random_split(7)  # classes 5 and 6 have no true pixel
    reference = MulticlassJaccardIndex(num_classes=7, average="none", ignore_index=255)
    reference.update(prediction, target[:, 0].long())
    metric = MeanIoU(num_classes=7)
    metric.update(prediction, target)
    assert metric.compute()["miou"] == pytest.approx(100 * reference.compute().mean().item(), rel=1e-6)


def test_skip_equals_the_mean_of_torchmetrics_over_the_classes_of_the_labels():
    prediction, target = random_split(7)
    reference = MulticlassJaccardIndex(num_classes=7, average="none", ignore_index=255)
    reference.update(prediction, target[:, 0].long())
    metric = MeanIoU(num_classes=7, absent="skip")
    metric.update(prediction, target)
    assert metric.compute()["miou"] == pytest.approx(100 * reference.compute()[:5].mean().item(), rel=1e-6)


def test_accuracies_by_hand():
    # of the valid pixels 1 of 1 in class 0, 1 of 2 in class 1, 1 of 1 in class 2, none in class 3
    labels = row(0, 0, 1, 2, 0), row(0, 1, 1, 2, 255)
    found = values(*labels, num_classes=4)
    assert found["pixel_accuracy"] == pytest.approx(100 * 3 / 4)
    assert found["mean_accuracy"] == pytest.approx(100 * (1 + 1 / 2 + 1) / 4)
    skipped = values(*labels, num_classes=4, absent="skip")
    assert skipped["pixel_accuracy"] == pytest.approx(100 * 3 / 4)
    assert skipped["mean_accuracy"] == pytest.approx(100 * (1 + 1 / 2 + 1) / 3)


@pytest.mark.parametrize(("absent", "classes"), [("zero", 7), ("skip", 5)])
def test_accuracies_equal_those_of_torchmetrics(absent, classes):
    prediction, target = random_split(7)  # classes 5 and 6 have no true pixel
    labels = target[:, 0].long()
    micro = MulticlassAccuracy(num_classes=7, average="micro", ignore_index=255)(prediction, labels)
    each = MulticlassAccuracy(num_classes=7, average="none", ignore_index=255)(prediction, labels)
    metric = MeanIoU(num_classes=7, absent=absent)
    metric.update(prediction, target)
    found = metric.compute()
    assert found["pixel_accuracy"] == pytest.approx(100 * micro.item(), rel=1e-6)
    assert found["mean_accuracy"] == pytest.approx(100 * each.sum().item() / classes, rel=1e-6)


def test_absent_class_counts_zero_predicted_or_not():
    assert score(row(0, 1), row(0, 1), num_classes=4) == pytest.approx(50)
    assert score(row(0, 1, 3), row(0, 1, 1), num_classes=4) == pytest.approx(100 * (1 + 1 / 2) / 4)


def test_absent_class_is_skipped_but_its_false_alarms_count():
    assert score(row(0, 1), row(0, 1), num_classes=4, absent="skip") == pytest.approx(100)
    value = score(row(0, 1, 3), row(0, 1, 1), num_classes=4, absent="skip")
    assert value == pytest.approx(100 * (1 + 1 / 2) / 2)


def test_perfect():
    labels = torch.arange(5).repeat(4).view(2, 2, 5)
    assert score(labels, labels, num_classes=5) == 100


@pytest.mark.parametrize("absent", ["zero", "skip"])
def test_all_ignored_is_nan(absent):
    assert isnan(score(row(0, 1), row(255, 255), num_classes=3, absent=absent))


@pytest.mark.parametrize("label", [3, 7, 254])
def test_label_beyond_the_classes_is_refused(label):
    with pytest.raises(ValueError, match=f"label {label} with 3 classes"):
        score(row(0, 1), row(0, label), num_classes=3)


def test_unknown_treatment_of_absent_classes_is_refused():
    with pytest.raises(ValueError, match="'zero' or 'skip', got 'drop'"):
        MeanIoU(num_classes=3, absent="drop")
