"""NYUD-v2: files of six pixels by hand, then miniature archives in both formats."""

import archives
import numpy as np
import pytest
import torch
from PIL import Image

from mtl.data import NYUD
from mtl.data.disk import DamagedFileError
from mtl.data.transforms import Normalize

ALL = ("semseg", "depth", "normals", "edge")


def load(root, split="train", tasks=ALL, **changes):
    arguments = {"images": None, "num_classes": 40, "png_normals": "strict", "on_error": "raise"} | changes
    return NYUD(root=root, split=split, tasks=tasks, **arguments)


def by_hand(root, archive):
    """One image of 2 x 3 pixels, every number chosen by hand."""
    for folder in ("images", "segmentation", "depth", "normals", "edge", "gt_sets"):
        (root / folder).mkdir(parents=True)
    (root / "gt_sets/train.txt").write_text("0003\n")
    (root / "gt_sets/val.txt").write_text("0003\n")
    colours = np.array([[[255, 0, 0], [0, 255, 0], [0, 0, 255]], [[0, 0, 0], [128, 64, 32], [255, 255, 255]]], np.uint8)
    classes = np.array([[0, 1, 2], [3, 39, 40]], np.uint8)
    Image.fromarray(classes).save(root / "segmentation/0003.png")
    np.save(root / "depth/0003.npy", np.array([[0.5, 1.25, 2.0], [0.0, 9.75, 3.5]], np.float32))
    if archive == "A":
        Image.new("RGB", (3, 2), (90, 90, 90)).save(root / "images/0003.jpg", quality=100)
        vectors = [[[1, 0, 0], [0, 1, 0], [0, 0, -1]], [[0, 0, 0], [0.6, 0, -0.8], [0, -0.6, 0.8]]]
        np.save(root / "normals/0003.npy", np.array(vectors, np.float64))
        np.save(root / "edge/0003.npy", np.array([[0, 1, 0], [0, 1, 1]], np.int64))
    else:
        Image.fromarray(colours).save(root / "images/0003.png")
        stored = [[[255, 128, 128], [128, 255, 127], [128, 127, 0]], [[127, 128, 127], [204, 128, 25], [0, 0, 0]]]
        Image.fromarray(np.array(stored, np.uint8)).save(root / "normals/0003.png")
        Image.fromarray(np.array([[0, 255, 0], [0, 255, 255]], np.uint8)).save(root / "edge/0003.png")


def test_archive_a_by_hand(tmp_path):
    by_hand(tmp_path / "NYUD_MT", "A")
    sample = load(tmp_path / "NYUD_MT")[0]
    assert sample["meta"] == {"id": "0003", "size": (2, 3), "padding": (0, 0)}
    assert sample["image"].tolist() == [[[90] * 3] * 2] * 3
    assert sample["semseg"].tolist() == [[[255, 0, 1], [2, 38, 39]]]
    assert sample["depth"].tolist() == [[[0.5, 1.25, 2.0], [0.0, 9.75, 3.5]]]
    assert sample["normals"].tolist() == [
        [[1, 0, 0], [0, pytest.approx(0.6), 0]],
        [[0, 1, 0], [0, 0, pytest.approx(-0.6)]],
        [[0, 0, -1], [0, pytest.approx(-0.8), pytest.approx(0.8)]],
    ]
    assert sample["edge"].tolist() == [[[0, 1, 0], [0, 1, 1]]]
    dtypes = {key: sample[key].dtype for key in ("image", *ALL)}
    assert dtypes == {
        "image": torch.uint8,
        "semseg": torch.uint8,
        "depth": torch.float32,
        "normals": torch.float32,
        "edge": torch.uint8,
    }
    assert "boundary" not in sample


def test_archive_b_by_hand(tmp_path):
    by_hand(tmp_path / "NYUDv2", "B")
    sample = load(tmp_path / "NYUDv2", "val")[0]
    assert sample["image"].tolist() == [
        [[255, 0, 0], [0, 128, 255]],
        [[0, 255, 0], [0, 64, 255]],
        [[0, 0, 255], [0, 32, 255]],
    ]
    assert sample["semseg"].tolist() == [[[255, 0, 1], [2, 38, 39]]]
    assert sample["boundary"].tolist() == [[[False, True, False], [False, True, True]]]
    assert sample["edge"].tolist() == [[[0, 1, 0], [0, 1, 1]]]
    normals = sample["normals"]
    assert torch.allclose(normals[:, 0, 0], torch.tensor([1.0, 1 / 255, 1 / 255]), atol=2e-5)
    assert normals[:, 1, 0].tolist() == [0, 0, 0]  # grey: shorter than 0.1
    assert torch.allclose(normals[:, 1, 1], torch.tensor([0.6, 1 / 255, -205 / 255]) / 1.0037, atol=2e-3)
    assert torch.allclose(normals[:, 1, 2], torch.full((3,), -(3**-0.5)))
    assert torch.allclose(normals.norm(dim=0)[normals.norm(dim=0) > 0], torch.ones(5))


def test_invpt_takes_grey_for_a_direction(tmp_path):
    by_hand(tmp_path / "NYUDv2", "B")
    normals = load(tmp_path / "NYUDv2", png_normals="invpt")[0]["normals"]
    assert torch.allclose(normals[:, 1, 0], torch.tensor([-1, 1, -1]) / 255, atol=1e-6)
    assert torch.allclose(normals[:, 1, 2], torch.full((3,), -1.0))
    with pytest.raises(ValueError, match="png_normals=loose: use strict or invpt"):
        load(tmp_path / "NYUDv2", png_normals="loose")


@pytest.mark.parametrize("archive", ["A", "B"])
def test_what_was_stored_is_read(tmp_path, archive):
    written = archives.nyud(tmp_path, archive)
    for split, ids in {"train": archives.TRAIN, "val": archives.VAL}.items():
        dataset = load(tmp_path / "nyud", split)
        assert [dataset[index]["meta"]["id"] for index in range(len(dataset))] == list(ids)
        for index, id in enumerate(ids):
            sample, stored = dataset[index], written[id]
            near = 40 if archive == "A" else 0  # jpg
            assert (sample["image"].int() - torch.tensor(stored["image"]).movedim(2, 0)).abs().max() <= near
            assert torch.equal(sample["semseg"][0], torch.tensor(stored["segmentation"] - np.uint8(1)))
            assert torch.equal(sample["depth"][0], torch.tensor(stored["depth"]))
            normals = torch.tensor(stored["normals"]).movedim(2, 0)
            assert torch.allclose(sample["normals"], normals, atol=0 if archive == "A" else 8e-3)
            assert torch.equal(sample["edge"][0], torch.tensor(stored["edge"]))


def test_the_archive_shows_in_the_extensions(tmp_path):
    archives.nyud(tmp_path / "a", "A")
    archives.nyud(tmp_path / "b", "B")
    assert load(tmp_path / "a/nyud").about()["variant"] == "archive A, NYUD_MT (jpg and npy)"
    assert load(tmp_path / "b/nyud").about()["variant"] == "archive B, NYUDv2 (png)"


def test_folder_is_found_in_its_place_and_next_to_it(tmp_path):
    archives.nyud(tmp_path / "data/nyud")
    assert load(tmp_path / "data/nyud").root == tmp_path / "data/nyud/NYUD_MT"
    (tmp_path / "data/nyud/NYUD_MT").rename(tmp_path / "data/NYUD_MT")
    assert load(tmp_path / "data/nyud").root == tmp_path / "data/NYUD_MT"
    (tmp_path / "other").mkdir()
    (tmp_path / "other/nyud").symlink_to(tmp_path / "data/NYUD_MT")
    assert len(load(tmp_path / "other/nyud")) == 3


def test_two_copies_are_refused(tmp_path):
    archives.nyud(tmp_path, "A")
    archives.nyud(tmp_path, "B")
    with pytest.raises(ValueError, match=r"found 2 copies of NYUD-v2 .*NYUDv2.*: keep one"):
        load(tmp_path / "nyud")


def test_missing_dataset_is_named_with_the_command_that_fetches_it(tmp_path):
    with pytest.raises(ValueError, match=rf"no NYUD-v2 in {tmp_path}/nyud: fetch it with make data-nyud, or"):
        load(tmp_path / "nyud")
    (tmp_path / "nyud/junk").mkdir(parents=True)
    with pytest.raises(ValueError, match=r"no NYUD-v2 in .*nyud, only junk: fetch it"):
        load(tmp_path / "nyud")


def test_old_archive_of_astmt_is_refused_by_name(tmp_path):
    archives.nyud(tmp_path)
    for path in list((tmp_path / "NYUD_MT/segmentation").iterdir()):
        path.rename(path.with_suffix(".mat"))
    with pytest.raises(ValueError, match="older NYUD_MT of ASTMT"):
        load(tmp_path / "nyud")


def test_only_what_the_tasks_need_has_to_be_there(tmp_path):
    archives.nyud(tmp_path)
    for path in (tmp_path / "NYUD_MT/normals").iterdir():
        path.unlink()
    sample = load(tmp_path / "nyud", tasks=["depth"])[0]
    assert set(sample) == {"image", "depth", "meta"}
    with pytest.raises(ValueError, match=r"3 of 3 train images of NYUD-v2 cannot be used: .*normals/0003.npy: missing"):
        load(tmp_path / "nyud", tasks=["normals"])


def test_a_normalised_sample_is_plain(tmp_path):
    archives.nyud(tmp_path)
    sample = load(tmp_path / "nyud", transform=Normalize([0, 0, 0], [1, 1, 1]))[0]
    assert type(sample["image"]) is torch.Tensor
    assert 0 <= sample["image"].min() <= sample["image"].max() <= 1


def test_test_split_is_called_val(tmp_path):
    archives.nyud(tmp_path)
    with pytest.raises(ValueError, match="NYUD-v2 has no split test, only train and val"):
        load(tmp_path / "nyud", "test")


def test_a_stray_file_changes_neither_format_nor_archive(tmp_path):
    written = archives.nyud(tmp_path, "B")
    root = tmp_path / "NYUDv2"
    for name in ("images/preview.jpg", "normals/0003.npy", "edge/Thumbs.npy", "segmentation/old.mat"):
        (root / name).write_bytes(b"")
    dataset = load(tmp_path / "nyud")
    assert dataset.variant(root) == "archive B, NYUDv2 (png)"
    assert np.array_equal(dataset[0]["image"], written["0003"]["image"].transpose(2, 0, 1))


def test_lists_may_begin_with_a_byte_order_mark_and_have_one_column(tmp_path):
    archives.nyud(tmp_path)
    path = tmp_path / "NYUD_MT/gt_sets/train.txt"
    path.write_text("\ufeff0003\n0004\n", encoding="utf-8")
    assert load(tmp_path / "nyud").ids == ["0003", "0004"]
    path.write_text("0003 1\n0004 1\n")
    with pytest.raises(DamagedFileError, match=r"train.txt: line 1 is '0003 1': a list has one id per line"):
        load(tmp_path / "nyud")


def test_a_grey_palette_is_looked_up(tmp_path):
    written = archives.nyud(tmp_path)
    expected = written["0003"]["segmentation"]
    values, places = np.unique(expected, return_inverse=True)
    image = Image.fromarray(places.reshape(expected.shape).astype(np.uint8))
    image.putpalette(values.repeat(3).tolist())
    image.save(tmp_path / "NYUD_MT/segmentation/0003.png")
    (tmp_path / "NYUD_MT/segmentation/0004.png").rename(tmp_path / "NYUD_MT/segmentation/0004.PNG")
    with pytest.raises(DamagedFileError, match=r"0004.png: missing, but 0004.PNG is there: rename it"):
        load(tmp_path / "nyud")
    (tmp_path / "NYUD_MT/segmentation/0004.PNG").rename(tmp_path / "NYUD_MT/segmentation/0004.png")
    label = load(tmp_path / "nyud")[0]["semseg"][0].numpy()
    assert np.array_equal(label, np.where(expected == 0, 255, expected.astype(int) - 1))
