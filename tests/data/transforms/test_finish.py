import pytest
import torch
from samples import LABELS, numbered
from torch import Tensor
from torchvision import tv_tensors

from mtl.data.transforms import IgnoreAbsentPersons, Normalize, Pad, typed

PLAIN = Normalize(mean=[0.5] * 3, std=[0.5] * 3)


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


def test_table_has_the_bits_of_the_formula():
    normalize = Normalize(mean=[0.485, 0.456, 0.406], std=[0.229, 0.224, 0.225])
    colours = torch.arange(256, dtype=torch.uint8).view(1, 16, 16).expand(3, -1, -1)
    image = normalize({"image": tv_tensors.Image(colours)})["image"]
    assert torch.equal(image, (colours / 255 - normalize.mean) / normalize.std)


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


def padded(sample, height, width):
    return Pad(height, width)(PLAIN(sample))


def test_image_is_centred_and_the_odd_pixel_is_below_and_right():
    before = PLAIN(numbered(2, 3))
    after = Pad(5, 6)(before)
    assert after["meta"] == {"id": "a", "size": (2, 3), "padding": (1, 1)}
    for key in ("image", *LABELS):
        assert after[key].shape == (before[key].shape[0], 5, 6)
        assert after[key].dtype == before[key].dtype
        assert torch.equal(after[key][:, 1:3, 1:4], before[key])


def test_around_it_nothing_counts():
    sample = numbered(1, 1) | {"boundary": typed("boundary", torch.ones(1, 1, 1, dtype=torch.bool))}
    corners = {key: value[..., 0, 0].tolist() for key, value in padded(sample, 3, 3).items() if key != "meta"}
    assert corners == {
        "image": [0, 0, 0],
        "semseg": [255],
        "human_parts": [255],
        "depth": [0],
        "normals": [0, 0, 0],
        "saliency": [255],
        "edge": [255],
        "boundary": [False],
    }


@pytest.mark.parametrize(
    ("size", "target", "padding"),
    [
        ((425, 560), (448, 576), (11, 8)),
        ((425, 560), (448, 574), (11, 7)),
        ((375, 500), (512, 512), (68, 6)),
        ((500, 333), (518, 518), (9, 92)),
        ((512, 512), (512, 512), (0, 0)),
    ],
)
def test_sizes_of_the_datasets(size, target, padding):
    after = padded(numbered(*size, ("semseg",)), *target)
    assert after["image"].shape[1:] == after["semseg"].shape[1:] == target
    assert after["meta"]["padding"] == padding
    (top, left), (height, width) = padding, size
    inside = after["semseg"][:, top : top + height, left : left + width]
    assert (inside != 255).all()
    assert (after["semseg"] != 255).sum() == height * width


def test_padding_twice_adds_up():
    once = padded(numbered(2, 2), 4, 6)
    assert Pad(8, 8)(once)["meta"]["padding"] == (3, 3)


def test_larger_image_is_named():
    with pytest.raises(ValueError, match="image a of 5 x 4 is larger than the 5 x 3 to pad to"):
        padded(numbered(5, 4), 5, 3)


def test_image_that_is_not_normalised_is_refused():
    with pytest.raises(ValueError, match="put it after Normalize"):
        Pad(4, 4)(numbered(2, 2))


@pytest.mark.parametrize("left", [(0, 0), (0, 255), (255, 255)])
def test_parts_without_a_person_are_ignored(left):
    sample = {"human_parts": torch.tensor(left, dtype=torch.uint8).view(1, 1, 2), "edge": torch.zeros(1)}
    after = IgnoreAbsentPersons()(sample)
    assert after["human_parts"].flatten().tolist() == [255, 255]
    assert after["human_parts"].dtype == torch.uint8
    assert after["edge"] is sample["edge"]


def test_parts_of_a_person_keep_their_background():
    sample = {"human_parts": torch.tensor([0, 255, 6], dtype=torch.uint8).view(1, 1, 3)}
    assert IgnoreAbsentPersons()(sample)["human_parts"].flatten().tolist() == [0, 255, 6]


def test_other_tasks_have_no_persons_to_miss():
    sample = {"semseg": torch.zeros(1)}
    assert IgnoreAbsentPersons()(sample) is sample


def test_map_that_is_no_known_label_is_refused_by_name():
    with pytest.raises(ValueError, match="no label is named height"):
        padded(numbered(2, 2) | {"height": torch.ones(1, 2, 2)}, 4, 4)
