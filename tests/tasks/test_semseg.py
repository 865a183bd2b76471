"""Label noise of classes."""

from dataclasses import replace

import numpy as np
import pytest

from mtl.tasks import Noise, find

NOISE = Noise("pixel", num_classes=13, categories=5, rate=0.5, deviations={})
STRIPES = np.broadcast_to(np.arange(64) // 8, (1, 64, 64)).astype(np.uint8).copy()
STRIPES[:, :4] = 255


def corrupted(labels, seed=0, **changes):
    return find("semseg").corrupt(labels, np.random.default_rng(seed), replace(NOISE, **changes))


def test_wrong_classes_are_all_others_of_the_dataset_alike():
    labels = np.full((1, 200, 200), 3, np.uint8)
    after = corrupted(labels, num_classes=5)
    share = np.bincount(after.ravel(), minlength=5) / after.size
    assert share.tolist() == pytest.approx([0.125, 0.125, 0.125, 0.5, 0.125], abs=0.01)
    assert corrupted(labels, num_classes=5, rate=1.0).min() != 3


def test_in_mode_category_a_class_goes_as_a_whole_or_stays():
    moved = 0
    for seed in range(100):
        after = corrupted(STRIPES, seed, mode="category")
        assert after.dtype == np.uint8
        assert (after[STRIPES == 255] == 255).all()
        found = [np.unique(after[label == STRIPES]).tolist() for label in range(8)]
        assert all(len(labels) == 1 for labels in found)
        gone = [labels[0] != label for label, labels in enumerate(found)]
        assert sum(gone) <= 5
        moved += sum(gone)
    assert moved / 500 == pytest.approx(0.5, abs=0.07)


@pytest.mark.parametrize("mode", ["pixel", "category"])
def test_of_fewer_than_five_classes_all_are_corrupted_and_of_none_none(mode):
    labels = np.array([0, 1, 2, 255], np.uint8).repeat(500).reshape(1, 20, 100)
    after = corrupted(labels, mode=mode, rate=1.0)
    assert ((after != labels) == (labels != 255)).all()
    empty = np.full((1, 2, 2), 255, np.uint8)
    assert (corrupted(empty, mode=mode) == 255).all()
