import cv2
import numpy as np
import pytest
import torch
from samples import LABELS, meta, numbered, picture
from torchvision import tv_tensors

from mtl.data.transforms import Normalize, RandomScale, typed
from mtl.data.transforms.scale import zoom


def test_colours_are_interpolated_between_pixel_centres():
    image = tv_tensors.Image(torch.tensor([0, 100], dtype=torch.uint8).expand(3, 1, 2).contiguous())
    assert zoom(image, (1, 4), 2.0)[0].tolist() == [[0, 25, 75, 100]]


def test_labels_take_the_nearest_pixel_rounded_down():
    semseg = typed("semseg", torch.tensor([[[7, 255]]], dtype=torch.uint8))
    assert zoom(semseg, (1, 3), 1.5).tolist() == [[[7, 7, 255]]]
    normals = typed("normals", torch.tensor([1.0, 2.0, 3.0, 4.0]).view(1, 1, 4).expand(3, 1, 4).contiguous())
    assert zoom(normals, (1, 2), 0.5)[0].tolist() == [[1, 3]]


def test_what_looks_twice_as_large_is_half_as_far_and_invalid_depth_stays_invalid():
    before = typed("depth", torch.tensor([[[4.0, 0.0]]]))
    depth = zoom(before, (1, 4), 2.0)
    assert type(depth) is type(before)
    assert depth.tolist() == [[[2, 2, 0, 0]]]


@pytest.mark.parametrize("factor", [0.5, 0.73, 1.0, 1.31, 2.0])
def test_it_is_what_opencv_makes_of_the_interleaved_image(factor):
    image = picture()
    size = int(40 * factor), int(56 * factor)
    expected = cv2.resize(image.transpose(1, 2, 0).copy(), size[::-1], interpolation=cv2.INTER_LINEAR)
    assert np.array_equal(zoom(tv_tensors.Image(torch.from_numpy(image)), size, factor), expected.transpose(2, 0, 1))
    normals = np.random.default_rng(0).normal(size=(40, 56, 3)).astype(np.float32)
    expected = cv2.resize(normals, size[::-1], interpolation=cv2.INTER_NEAREST)
    maps = typed("normals", torch.from_numpy(normals).permute(2, 0, 1))
    assert np.array_equal(zoom(maps, size, factor), expected.transpose(2, 0, 1))


def test_a_sample_gets_one_size_keeps_its_types_and_says_so():
    before = numbered(20, 31)
    torch.manual_seed(3)
    after = RandomScale(1.5, 1.6)(before)
    height, width = after["meta"]["size"]
    assert 30 <= height <= 32
    assert 46 <= width <= 49
    assert before["meta"] == meta(20, 31)
    for key in ("image", *LABELS):
        assert type(after[key]) is type(before[key])
        assert after[key].dtype == before[key].dtype
        assert after[key].shape == (before[key].shape[0], height, width)
    row, column = after["normals"][1] - 1, after["normals"][0] - 1  # where each pixel came from
    assert torch.equal(after["semseg"][0], (column % 200).byte())
    ratio = (row + column / 1000 + 1) / after["depth"][0]
    assert 1.5 <= ratio.min() <= ratio.max() <= 1.6
    assert ratio.max() - ratio.min() < 1e-5


def test_factors_fill_the_range():
    sizes = [RandomScale(0.5, 2.0)(numbered(100, 100, ()))["meta"]["size"][0] for _ in range(300)]
    assert min(sizes) in range(50, 56)
    assert max(sizes) in range(194, 201)
    assert 120 < np.mean(sizes) < 130


@pytest.mark.parametrize(("low", "high"), [(0, 1), (2, 1), (-1, 1)])
def test_range_without_factors_is_refused(low, high):
    with pytest.raises(ValueError, match=f"scale from {low} to {high}"):
        RandomScale(low, high)


def test_image_that_vanishes_is_refused():
    with pytest.raises(ValueError, match="image of 1 x 9 has no pixel left at scale"):
        RandomScale(0.5, 0.5)(numbered(1, 9))


def test_scaling_after_normalising_is_refused():
    sample = Normalize(mean=[0] * 3, std=[1] * 3)(numbered(4, 4))
    with pytest.raises(ValueError, match="put it before Normalize"):
        RandomScale(1, 2)(sample)
