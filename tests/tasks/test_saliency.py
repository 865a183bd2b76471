import numpy as np
import pytest
import torch
from PIL import Image

from mtl.data.stored import read_stored
from mtl.tasks import find


def test_prediction_is_the_probability_of_the_second_class():
    logits = torch.tensor([0.0, 2.0]).view(2, 1, 1)
    assert find("saliency").natural(logits).item() == pytest.approx(1 / (1 + np.exp(-2)))


def test_label_is_what_is_above_half(tmp_path):
    Image.fromarray(np.array([[127, 128]], np.uint8)).save(tmp_path / "c.png")
    assert find("saliency").read_label(read_stored(tmp_path / "c.png", "saliency")).tolist() == [[[0, 1]]]
