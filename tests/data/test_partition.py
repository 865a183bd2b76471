import numpy as np
import pytest

from mtl.data.partition import partition_edges, shrink_classes, shrink_image


def test_edges_are_thin_lines_where_the_laplacian_is_not_zero():
    labels = np.full((5, 8), 7, np.uint16)
    labels[:, 4:] = 300
    edges = partition_edges(labels)
    assert edges[1:].sum(axis=1).tolist() == [1] * 4  # thinning removes one end
    assert set(np.flatnonzero(edges.any(axis=0))) <= {3, 4}
    assert not partition_edges(np.full((5, 8), 7, np.uint16)).any()


@pytest.mark.parametrize("shrink", [shrink_image, shrink_classes])
def test_factor_one_changes_nothing(shrink):
    maps = np.random.default_rng(0).integers(0, 256, (3, 5, 7), np.uint8)
    found = shrink(maps, 1)
    assert np.array_equal(found, maps)
    assert found.dtype == np.uint8


@pytest.mark.parametrize("factor", [2, 3, 4])
def test_colours_are_rounded_means_of_whole_blocks(factor):
    image = np.random.default_rng(factor).integers(0, 256, (3, 13, 14), np.uint8)
    found = shrink_image(image, factor)
    assert found.shape == (3, 13 // factor, 14 // factor)
    for row, column in np.ndindex(found.shape[1:]):
        block = image[:, factor * row : factor * (row + 1), factor * column : factor * (column + 1)]
        assert np.array_equal(found[:, row, column], np.floor(block.mean(axis=(1, 2)) + 0.5))


@pytest.mark.parametrize("factor", [2, 3, 4])
def test_class_of_a_block_is_its_most_frequent_and_of_equals_the_first(factor):
    classes = np.random.default_rng(factor).choice(np.array([0, 3, 255], np.uint8), (1, 13, 14))
    found = shrink_classes(classes, factor)
    assert found.shape == (1, 13 // factor, 14 // factor)
    for row, column in np.ndindex(found.shape[1:]):
        pixels = [*classes[0, factor * row : factor * (row + 1), factor * column : factor * (column + 1)].ravel()]
        assert found[0, row, column] == max(pixels, key=lambda pixel: (pixels.count(pixel), -pixels.index(pixel)))


def test_of_lines_two_pixels_wide_half_remain():
    """A line that blocks cut in two is kept where it comes first in the block, for any numbers of the classes."""
    for line, ground in ((9, 1), (1, 9)):
        classes = np.full((1, 2, 10), ground, np.uint8)
        classes[..., 1:3] = classes[..., 6:8] = line
        assert (shrink_classes(classes, 2) == line).sum(axis=-1).tolist() == [[2]]
