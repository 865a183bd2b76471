"""Replica: files of six pixels by hand, then miniature archives in all layouts."""

import archives
import numpy as np
import pytest
import torch
from PIL import Image

from mtl import build
from mtl.data import Replica

ALL = ("semseg", "depth", "normals")
LAYOUTS = ("{domain}/replica/{scene}", "{scene}/{domain}", "{domain}/{scene}")


def load(root, split="train", tasks=ALL, scenes=None, **changes):
    arguments = {"num_classes": 101, "mask_dilate": 0, "on_error": "raise"} | changes
    return Replica(root=root, split=split, tasks=tasks, scenes=scenes or archives.SCENES[split], **arguments)


@pytest.fixture
def by_hand(tmp_path):
    """Root of an archive with one image of 2 x 3 pixels, every number chosen by hand."""
    stored = {
        "rgb": np.array([[[255, 0, 0], [0, 255, 0], [0, 0, 255]], [[0, 0, 0], [128, 64, 32], [9, 9, 9]]], np.uint8),
        "semantic": np.array(
            [[[0, 7, 7], [1, 0, 9], [101, 2, 2]], [[255, 255, 255], [40, 0, 0], [40, 0, 0]]], np.uint8
        ),
        "depth_zbuffer": np.array([[512, 1024, 256], [1, 65535, 768]], np.uint16),
        "normal": np.array(
            [[[255, 128, 128], [128, 255, 128], [128, 128, 255]], [[128, 128, 0], [127, 127, 127], [0, 128, 128]]],
            np.uint8,
        ),
        "mask_valid": np.array([[255, 255, 255], [255, 0, 255]], np.uint8),
    }
    for domain, array in stored.items():
        folder = tmp_path / domain / "replica/room_1"
        folder.mkdir(parents=True)
        Image.fromarray(array).save(folder / f"point_7_view_12_domain_{domain}.png")
    return tmp_path


def test_every_label_by_hand(by_hand):
    sample = load(by_hand, scenes={"room_1": 1})[0]
    assert sample["meta"] == {"id": "room_1/point_7_view_12", "size": (2, 3), "padding": (0, 0)}
    assert sample["image"][:, 1, 1].tolist() == [128, 64, 32]
    assert sample["semseg"].tolist() == [[[255, 0, 100], [255, 255, 39]]]
    assert sample["depth"].tolist() == [[[1.0, 2.0, 0.5], [1 / 512, 0.0, 1.5]]]
    assert sample["depth"].dtype == torch.float32
    assert torch.allclose(sample["normals"][:, 0, 0], torch.tensor([1, 1 / 255, 1 / 255]), atol=1e-4)
    assert torch.allclose(sample["normals"][:, 1, 0], torch.tensor([1 / 255, 1 / 255, -1]), atol=1e-4)
    assert sample["normals"][:, 1, 1].tolist() == [0, 0, 0]


def test_holes_grow_by_the_window(by_hand):
    sample = load(by_hand, scenes={"room_1": 1}, mask_dilate=3)[0]
    assert not sample["depth"].any()
    assert (sample["semseg"] == 255).all()


def test_without_masks_grey_normals_tell_the_holes(by_hand):
    (by_hand / "mask_valid").rename(by_hand / "away")
    sample = load(by_hand, tasks=["semseg"], scenes={"room_1": 1})[0]
    assert sample["semseg"].tolist() == [[[255, 0, 100], [255, 255, 39]]]


@pytest.mark.parametrize("layout", LAYOUTS)
def test_what_was_stored_is_read_in_every_layout(tmp_path, layout):
    written = archives.replica(tmp_path, layout)
    for split, scenes in archives.SCENES.items():
        dataset = load(tmp_path, split)
        assert dataset.about()["variant"].startswith(layout)
        assert len(dataset) == sum(scenes.values())
        for sample in dataset:
            stored = written[sample["meta"]["id"]]
            assert torch.equal(sample["image"], torch.tensor(stored["rgb"]).movedim(2, 0))
            valid = torch.tensor(~stored["hole"])
            depth = torch.tensor(stored["depth_zbuffer"].astype(np.float32)) / 512 * valid
            assert torch.equal(sample["depth"][0], depth)
            labels = stored["semantic"][..., 0] - np.uint8(1)
            labels[0, 0], labels[stored["hole"]] = 255, 255
            if (stored["semantic"][0, 0] == 255).all():
                assert torch.equal(sample["semseg"][0], torch.tensor(labels))
            assert (sample["normals"].norm(dim=0) > 0.1).equal(valid)


def test_images_come_by_scene_point_and_view(tmp_path):
    archives.replica(tmp_path, scenes={"train": {"apartment_0": 4, "office_1": 3}})
    dataset = load(tmp_path)
    assert dataset.ids == [
        *(f"apartment_0/point_{point}_view_{view}" for point in (9, 10) for view in (0, 1)),
        *("office_1/point_9_view_0", "office_1/point_9_view_1", "office_1/point_10_view_0"),
    ]
    assert dataset.places()[4] == ("office_1", "point_9")


def test_digits_may_be_padded_with_zeros(by_hand):
    for path in by_hand.glob("*/replica/room_1/*.png"):
        path.rename(path.with_name(path.name.replace("point_7_view_12", "point_0007_view_012")))
    assert load(by_hand, scenes={"room_1": 1}).ids == ["room_1/point_7_view_12"]


def test_folder_of_normals_may_be_plural(by_hand):
    (by_hand / "normal").rename(by_hand / "normals")
    assert load(by_hand, scenes={"room_1": 1})[0]["normals"].any()


def test_only_views_that_all_domains_have_are_used(tmp_path):
    archives.replica(tmp_path)
    (tmp_path / "semantic/replica/office_1/point_9_view_1_domain_semantic.png").unlink()
    with pytest.raises(
        ValueError, match=r"office_1 has 2 images with all labels, not 3 \(rgb 3, semantic 2, .* dataset.train.scenes"
    ):
        load(tmp_path)
    dataset = load(tmp_path, scenes={"office_1": 2})
    assert dataset.ids == ["office_1/point_9_view_0", "office_1/point_10_view_0"]
    assert len(load(tmp_path, tasks=["depth"])) == 7


def test_incomplete_scene_may_be_skipped_in_training_alone(tmp_path, caplog):
    archives.replica(tmp_path)
    for scene in ("office_1", "office_0"):
        (tmp_path / f"semantic/replica/{scene}/point_9_view_1_domain_semantic.png").unlink()
    assert len(load(tmp_path, on_error="skip")) == 6
    assert "skipped: " in caplog.text
    with pytest.raises(ValueError, match="office_0 has 1 images"):
        load(tmp_path, "val", on_error="skip")


def test_missing_scene_is_named(tmp_path):
    archives.replica(tmp_path)
    with pytest.raises(ValueError, match="scene room_2 has 0 images with all labels, not 1369"):
        load(tmp_path, scenes={"room_2": 1369})


def test_class_beyond_the_table_is_named(by_hand):
    path = by_hand / "semantic/replica/room_1/point_7_view_12_domain_semantic.png"
    Image.fromarray(np.full((2, 3, 3), 102, np.uint8)).save(path)
    with pytest.raises(
        ValueError, match=rf"{path}: label 102 at row 0, column 0, but labels are 0 \(unlabelled\) to 101"
    ):
        load(by_hand, scenes={"room_1": 1})


def test_official_split_has_its_counts():
    dataset = build.compose(["dataset=replica"]).dataset
    counts = {split: sum(dataset[split].scenes.values()) for split in ("train", "val", "test")}
    assert counts == {"train": 56_783, "val": 23_725, "test": 23_889}
    assert [len(dataset[split].scenes) for split in counts] == [10, 4, 4]
