import pytest
import torch
from torch import Tensor
from torchvision import tv_tensors

from mtl.data.transforms import Normalize, typed


def sample():
    return {
        "image": tv_tensors.Image(torch.tensor([0, 51, 255], dtype=torch.uint8).view(3, 1, 1)),
        "semseg": typed("semseg", torch.full((1, 1, 1), 255, dtype=torch.uint8)),
        "boundary": typed("boundary", torch.ones(1, 1, 1, dtype=torch.bool)),
        "depth": typed("depth", torch.full((1, 1, 1), 3.5)),
        "normals": typed("normals", torch.tensor([0.0, 0.6, -0.8]).view(3, 1, 1)),
        "meta": {"id": "a", "size": (1, 1), "padding": (0, 0)},
    }


def test_image_is_scaled_to_one_and_centred_per_channel():
    image = Normalize(mean=[0.5, 0.2, 0.0], std=[0.5, 0.1, 2.0])(sample())["image"]
    assert image.dtype == torch.float32
    assert image.flatten().tolist() == pytest.approx([-1.0, 0.0, 0.5], abs=1e-6)


def test_labels_become_plain_tensors_with_their_values_and_dtypes():
    before = sample()
    after = Normalize(mean=[0, 0, 0], std=[1, 1, 1])(before)
    assert {key: type(value) for key, value in after.items() if key != "meta"} == dict.fromkeys(
        ("image", "semseg", "boundary", "depth", "normals"), Tensor
    )
    assert after["meta"] == before["meta"]
    dtypes = [after[key].dtype for key in ("semseg", "boundary", "depth", "normals")]
    assert dtypes == [torch.uint8, torch.bool, torch.float32, torch.float32]
    assert after["semseg"].item() == 255
    assert after["depth"].item() == 3.5
