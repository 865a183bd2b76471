import numpy as np
import pytest
import torch
from PIL import Image

from mtl.data.stored import read_stored
from mtl.tasks import TaskLabel, find, known


def test_boundary_is_a_label_of_evaluation_samples_and_no_task():
    boundary = find("boundary")
    assert boundary.fill == 0
    assert not isinstance(boundary, TaskLabel)
    assert boundary not in known()


def test_prediction_is_a_probability():
    assert find("edge").natural(torch.zeros(1, 2, 2)).tolist() == [[0.5, 0.5], [0.5, 0.5]]


def test_every_byte_is_scored_as_that_byte(tmp_path):
    stored = np.arange(256, dtype=np.uint8).reshape(16, 16)
    Image.fromarray(stored).save(tmp_path / "a.png")
    logits = torch.from_numpy(find("edge").read_prediction(read_stored(tmp_path / "a.png", "edge"), (16, 16)))
    assert ((logits.float().sigmoid() * 255).to(torch.uint8)[0].numpy() == stored).all()


def test_label_in_an_image_is_0_or_255(tmp_path):
    Image.fromarray(np.array([[0, 1]], np.uint8)).save(tmp_path / "a.png")
    with pytest.raises(ValueError, match="not a map of 0 and 255"):
        find("edge").read_label(read_stored(tmp_path / "a.png", "edge"))
