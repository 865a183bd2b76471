import numpy as np
import pytest

from mtl.metrics.boundary.truth import boundary_of, check_boundary


def test_partition_of_the_drawing():
    partition = np.array([[1, 1, 1, 2, 2], [1, 1, 1, 2, 2], [1, 1, 2, 2, 2], [3, 3, 3, 3, 3]])
    expected = [[0, 0, 1, 0, 0], [0, 1, 0, 0, 0], [1, 1, 1, 1, 1], [0, 0, 0, 0, 0]]
    assert np.array_equal(boundary_of(partition), np.array(expected, bool))


def test_numbers_of_the_regions_do_not_matter():
    partition = np.random.default_rng(0).integers(3, size=(6, 7)).repeat(5, 0).repeat(5, 1)
    assert np.array_equal(boundary_of(partition), boundary_of(np.array([400, -2, 7])[partition]))


def test_whole_image_as_one_region_has_no_boundary():
    assert not boundary_of(np.full((5, 6), 3)).any()


def test_of_a_line_taken_for_a_partition_one_or_both_sides_are_left():
    image = np.zeros((9, 12), np.int32)
    image[:, 5] = 255
    assert np.flatnonzero(boundary_of(image)[4]).tolist() == [4]
    image[:, 6] = 255
    assert np.flatnonzero(boundary_of(image)[4]).tolist() == [4, 6]


@pytest.mark.parametrize("width", [2, 3, 9])
def test_lines_wider_than_a_pixel_are_refused(width):
    boundary = np.zeros((20, 30), bool)
    boundary[5 : 5 + width] = True
    boundary[:, 8 : 8 + width] = True
    with pytest.raises(ValueError, match=r"not thin: \d+% of its pixels lie in solid 2 x 2 blocks"):
        check_boundary(boundary)


def test_thin_lines_with_their_corner_pixels_pass():
    regions = np.random.default_rng(1).integers(9, size=(5, 6)).repeat(4, 0).repeat(4, 1)
    lines = np.zeros(regions.shape, bool)
    lines[:, 1:] |= regions[:, 1:] != regions[:, :-1]
    lines[1:] |= regions[1:] != regions[:-1]
    check_boundary(lines)
    check_boundary(boundary_of(regions))
    check_boundary(np.zeros((3, 4), bool))


def test_other_numbers_than_bool_are_refused():
    with pytest.raises(ValueError, match="uint8"):
        check_boundary(np.zeros((3, 4), np.uint8))
