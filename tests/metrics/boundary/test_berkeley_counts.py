"""Compares our counts with those of the published packages, on real boundaries and a real detector.

Reads the folder given by the environment variable MTL_TEST_DATA; CONTRIBUTING.md describes its contents. The published
matching is randomised and misses a few pairs, so ours finds as many or more.
"""

import csv
import os
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from mtl.metrics import boundary_counts
from mtl.metrics.boundary.compiled import thin, unpack
from mtl.metrics.boundary.scores import average_precision, f_measure, interpolated_f

FOLDER = Path(os.environ.get("MTL_TEST_DATA", ""))
ORDER = [2, 3, 0, 1]  # published: matched true, true, matched predicted, predicted
BEST = 13  # threshold with the largest published F-measure, in hundredths, 1 .. 99
IMAGES = 12  # of 200, evenly spaced

pytestmark = [
    pytest.mark.data,
    pytest.mark.skipif("MTL_TEST_DATA" not in os.environ, reason="MTL_TEST_DATA does not name a folder"),
]


def published(name):
    """Counts in our order. Shape [images, 4, thresholds]."""
    with np.load(FOLDER / f"{name}_counts.npz") as file:
        return file["counts"].astype(np.int64)[:, :, ORDER].transpose(1, 2, 0)


def rows():
    with (FOLDER / "images.csv").open() as file:
        return list(csv.DictReader(file))


def read(row):
    """Edge probability of the detector, and the boundary of each annotator."""
    bits = np.array(Image.open(FOLDER / f"boundaries/{row['id']}.png"))
    boundaries = np.stack([(bits >> annotator) & 1 == 1 for annotator in range(int(row["annotators"]))])
    return np.array(Image.open(FOLDER / f"gpb_ucm/{row['id']}.png")) / 100, boundaries


def count(row, steps):
    probability, boundaries = read(row)
    thresholds = np.array(steps) / 100
    return boundary_counts(probability, boundaries, thresholds=thresholds, max_distance=0.0075, nms=False, strict=False)


def as_published(ours, theirs):
    """Pixel counts are equal; matched true pixels are as many or a few more, matched predicted ones differ by a few."""
    assert np.array_equal(ours[:, 1], theirs[:, 1])
    assert np.array_equal(ours[:, 3], theirs[:, 3])
    assert (ours[:, 2] >= theirs[:, 2]).all()
    assert (ours[:, 2] - theirs[:, 2]).max() <= 40
    assert np.abs(ours[:, 0] - theirs[:, 0]).max() <= 20


def test_pixels_are_those_published_at_every_threshold_of_every_image():
    theirs = published("seism_gpb_ucm")
    for row, counts in zip(rows(), theirs, strict=True):
        probability, boundaries = read(row)
        passed = np.searchsorted(np.arange(1, 100) / 100, probability.ravel(), side="right")
        _, words = thin(np.arange(passed.size), passed, probability.shape, 99)
        predicted = unpack(words, 99).sum(axis=1)
        assert np.array_equal(predicted, counts[1]), row["id"]
        assert (counts[3] == boundaries.sum()).all(), row["id"]


def test_matches_are_those_published_or_more():
    theirs, steps = published("seism_gpb_ucm"), [BEST, 30, 50, 70, 90]
    chosen = range(0, len(theirs), len(theirs) // IMAGES)
    ours = np.stack([count(rows()[index], steps) for index in chosen])
    as_published(ours, theirs[chosen][:, :, np.array(steps) - 1])


@pytest.mark.slow
def test_ods_of_all_images_is_the_published_one():
    theirs, steps = published("seism_gpb_ucm"), [BEST - 1, BEST, BEST + 1]
    ours = np.stack([count(row, steps) for row in rows()])
    as_published(ours, theirs[:, :, np.array(steps) - 1])
    best = float(f_measure(torch.tensor(ours.sum(axis=0))).max())
    assert best == pytest.approx(float(f_measure(torch.tensor(theirs.sum(axis=0))).max()), abs=2e-4)
    bench = [float(word) for word in (FOLDER / "bench_gpb_ucm_eval_bdry.txt").read_text().split()]
    assert best == pytest.approx(bench[3], abs=2e-4)


@pytest.mark.parametrize(
    ("name", "ods", "ois", "ap"),
    [
        ("seism_gpb_ucm", 0.726, 0.760, 0.727),
        ("seism_pascal_context_hed", 0.675, 0.693, 0.688),
        ("seism_pascal_context_hed_trainval", 0.688, 0.707, 0.704),
    ],
)
def test_published_counts_give_the_published_scores(name, ods, ois, ap):
    counts = torch.tensor(published(name))
    own = torch.stack([image[:, int(f_measure(image).argmax())] for image in counts]).sum(dim=0)
    whole = counts.sum(dim=0)
    found = (float(f_measure(whole).max()), float(f_measure(own[:, None])), average_precision(whole))
    assert tuple(round(value, 3) for value in found) == (ods, ois, ap)
    assert interpolated_f(whole) == pytest.approx(found[0], abs=1e-4)
