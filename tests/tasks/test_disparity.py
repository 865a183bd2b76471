import numpy as np
import pytest
import torch

from mtl.data.stored import DamagedFileError, read_stored
from mtl.tasks import find

DISPARITY, DEPTH = find("disparity"), find("depth")


def test_zoom_keeps_it_the_inverse_of_depth():
    depth = torch.tensor([[[0.5, 2.0, 4.0]]])
    assert torch.equal(DISPARITY.zoomed(1 / depth, 2.0), 1 / DEPTH.zoomed(depth, 2.0))


def test_infinitely_far_is_invalid_as_unmeasured_depth_is():
    assert DISPARITY.valid(np.array([[[0.0, 0.2]]])).tolist() == [[[False, True]]]


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.ones((2, 3), np.uint16), "holds uint16 .*not disparity as floats up to 1000 1/m"),
        (np.full((2, 3), 2000.0), "holds .*not disparity as floats"),
        (np.ones((2, 2, 3)), "holds .*not disparity as floats"),
    ],
)
def test_other_numbers_are_refused(tmp_path, array, message):
    np.save(tmp_path / "a.npy", array)
    with pytest.raises(DamagedFileError, match=rf"a\.npy: {message}"):
        DISPARITY.read_prediction(read_stored(tmp_path / "a.npy", "disparity"), (2, 3))


def test_negative_labels_are_refused(tmp_path):
    np.save(tmp_path / "a.npy", np.full((2, 3), -1.0))
    stored = read_stored(tmp_path / "a.npy", "disparity")
    with pytest.raises(DamagedFileError, match="not disparity, which has no negative values; 0 marks invalid pixels"):
        DISPARITY.read_label(stored)
    assert DISPARITY.read_prediction(stored, (2, 3)).max() == -1
