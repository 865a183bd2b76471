"""Predictions without learning: constants by hand, filters as OpenCV's, and their scores on rooms."""

import cv2
import numpy as np
import pytest

from mtl import build
from mtl.build.data import build_dataset
from mtl.cli.floors import floors
from mtl.tasks import IGNORE, find
from mtl.tasks.edge import between, blurred, gradient
from tests.tiny import tiny


def test_the_constant_class_is_the_most_frequent_one_among_labelled_pixels():
    labels = [np.array([[[1, 1, 2, IGNORE, IGNORE, IGNORE]]], np.uint8), np.array([[[2, 2, 0]]], np.uint8)]
    assert find("semseg").constant(labels, 4).tolist() == [0, 0, 1, 0]


def test_the_constant_depth_is_the_mean_of_valid_pixels_of_all_images():
    labels = [np.array([[[1.0, 0.0, 3.0]]], np.float32), np.array([[[8.0]]], np.float32)]
    assert find("depth").constant(labels, 1) == pytest.approx([4.0])


def test_a_constant_probability_is_the_share_of_ones_as_a_logit():
    labels = [np.array([[[1, 0, 0, 0, IGNORE]]], np.uint8)]
    assert find("edge").constant(labels, 1) == pytest.approx([np.log(0.25 / 0.75)])
    assert find("saliency").constant(labels, 2) == pytest.approx([0, np.log(0.25 / 0.75)])


def test_the_constant_normal_is_the_mean_direction():
    label = np.zeros((3, 1, 3), np.float32)
    label[0, 0, 0] = label[2, 0, 1] = 1  # the third is invalid
    assert find("normals").constant([label], 3) == pytest.approx([0.5**0.5, 0, 0.5**0.5])


def test_filters_equal_those_of_opencv():
    image = np.random.default_rng(0).random((20, 30))
    border = {"borderType": cv2.BORDER_REPLICATE}
    x, y = cv2.Sobel(image, cv2.CV_64F, 1, 0, **border), cv2.Sobel(image, cv2.CV_64F, 0, 1, **border)
    assert np.allclose(gradient(image), np.hypot(x, y))
    assert np.allclose(blurred(image, 2), cv2.GaussianBlur(image, (17, 17), 2, **border))


def test_lines_run_between_regions():
    assert between(np.array([[1, 1, 2], [1, 1, 2], [3, 3, 3]])).astype(int).tolist() == [
        [0, 0, 1],
        [0, 0, 1],
        [1, 1, 1],
    ]


def test_floors_of_rooms_are_in_order(tmp_path):
    cfg = build.compose(tiny(tmp_path))
    found = floors(cfg, "val")
    odsf = {name: scores["ods_f"] for name, scores in found["edge"].items()}
    assert list(odsf) == ["constant", "noise", "Sobel", "Sobel after a blur", "truth blurred by a pixel"]
    assert odsf["constant"] < odsf["noise"] < odsf["Sobel"] < odsf["truth blurred by a pixel"]
    assert [list(found[task]) for task in ("semseg", "depth", "normals")] == [["constant"]] * 3
    semseg, depth = (
        np.concatenate([sample[task].numpy().ravel() for sample in build_dataset(cfg, "val", [task])])
        for task in ("semseg", "depth")
    )
    largest = np.bincount(semseg).max() / semseg.size
    assert found["semseg"]["constant"]["pixel_accuracy"] == pytest.approx(100 * largest)
    assert found["depth"]["constant"]["rmse"] > depth.std() - 1e-3  # of the best constant of these very images
