"""PASCAL-Context: files of six pixels by hand, then miniature archives."""

import json

import archives
import numpy as np
import pytest
import scipy.io
import torch
from PIL import Image

from mtl.data import PascalContext
from mtl.data.pascal_labels import GROUPS, PARTS, WITH_NORMALS

ALL = ("semseg", "human_parts", "normals", "saliency", "edge")


def load(root, split="train", tasks=ALL, **changes):
    arguments = {"images": None, "num_classes": 21, "png_normals": "strict", "on_error": "raise"} | changes
    return PascalContext(root=root, split=split, tasks=tasks, **arguments)


@pytest.fixture
def by_hand(tmp_path):
    """Root of an archive with one image of 2 x 3 pixels, every number chosen by hand."""
    root = tmp_path / "PASCAL_MT"
    for split in ("train", "val"):
        archives.save_list(root / f"ImageSets/Context/{split}.txt", ["2008_000003"])
    for folder in ("JPEGImages", "pascal-context/trainval", "semseg/VOC12", "normals_distill", "sal_distill"):
        (root / folder).mkdir(parents=True)
    Image.new("RGB", (3, 2), (90, 90, 90)).save(root / "JPEGImages/2008_000003.jpg", quality=100)
    archives.save_palette(root / "semseg/VOC12/2008_000003.png", np.array([[0, 15, 255], [20, 1, 0]], np.uint8))
    labels = np.array([[2, 284, 284], [2, 284, 459]], np.uint16)  # 284 has normals, 2 and 459 have none
    scipy.io.savemat(root / "pascal-context/trainval/2008_000003.mat", {"LabelMap": labels})
    normals = [[[255, 128, 128], [128, 128, 0], [255, 128, 128]], [[128, 128, 0], [127, 128, 127], [128, 128, 0]]]
    Image.fromarray(np.array(normals, np.uint8)).save(root / "normals_distill/2008_000003.png")
    Image.fromarray(np.array([[0, 127, 128], [129, 255, 100]], np.uint8)).save(root / "sal_distill/2008_000003.png")
    everywhere, left, right = (np.array(mask, np.uint8) for mask in ([[1] * 3] * 2, [[1, 0, 0]] * 2, [[0, 0, 1]] * 2))
    corner = np.array([[1, 0, 0], [0, 0, 0]], np.uint8)
    archives.save_parts(
        root / "human_parts/2008_000003.mat",
        [
            (15, everywhere, {"hair": left, "torso": right}),
            (12, everywhere, {"muzzle": everywhere}),
            (15, everywhere, {"rlleg": corner}),  # covers the hair
            (15, 0 * everywhere, {}),
        ],
    )
    return root


def test_every_label_by_hand(by_hand):
    sample = load(by_hand)[0]
    assert sample["meta"] == {"id": "2008_000003", "size": (2, 3), "padding": (0, 0)}
    assert sample["image"].shape == (3, 2, 3)
    assert sample["semseg"].tolist() == [[[0, 15, 255], [20, 1, 0]]]
    assert sample["human_parts"].tolist() == [[[6, 0, 2], [1, 0, 2]]]
    assert sample["saliency"].tolist() == [[[0, 0, 1], [1, 1, 0]]]
    # The Laplacian is 0 nowhere: 564 -282 350 | 564 -107 -700; of a full block of 2 x 3 thinning leaves two pixels.
    assert sample["edge"].tolist() == [[[0, 0, 0], [1, 1, 0]]]
    assert "boundary" not in sample
    normals = sample["normals"]
    assert torch.allclose(normals[:, 0, 1], torch.tensor([1 / 255, 1 / 255, -1]), atol=1e-4)
    assert torch.allclose(normals[:, 0, 2], torch.tensor([1, 1 / 255, 1 / 255]), atol=1e-4)
    assert normals[:, 1, 1].tolist() == [0, 0, 0]  # grey
    for row, column in ((0, 0), (1, 0), (1, 2)):  # classes without normals
        assert normals[:, row, column].tolist() == [0, 0, 0]


def test_boundary_of_evaluation_is_the_partition(by_hand):
    boundary = load(by_hand, "val")[0]["boundary"]
    assert boundary.dtype == torch.int16
    assert boundary.tolist() == [[[2, 284, 284], [2, 284, 459]]]
    assert "boundary" not in load(by_hand, "val", ["semseg"])[0]


def test_index_of_objects_by_hand(by_hand):
    load(by_hand)
    assert json.loads((by_hand / "ImageSets/Parts/train.txt").read_text()) == {"2008_000003": [15, 12, 15, -1]}


def test_parts_and_classes_with_normals_are_those_of_the_reference():
    assert len(PARTS) == 24
    assert len(GROUPS) == 6
    assert WITH_NORMALS.sum() == 170  # 169 names that NYUD-v2 has too, and tvmonitor
    assert WITH_NORMALS[427]  # tvmonitor
    assert not WITH_NORMALS[[0, 1, 2, 459]].any()


def test_what_was_stored_is_read(tmp_path):
    written = archives.pascal_context(tmp_path)
    for split, ids in {"train": archives.PASCAL_TRAIN, "val": archives.PASCAL_VAL}.items():
        dataset = load(tmp_path / "pascal_context", split)
        assert len(dataset) == len(ids)
        for index, id in enumerate(ids):
            sample, stored = dataset[index], written[id]
            assert torch.equal(sample["semseg"][0], torch.tensor(stored["semseg"]))
            assert torch.equal(sample["saliency"][0], torch.tensor(stored["saliency"] > 127).to(torch.uint8))
            parts = np.zeros(stored["head"].shape, np.uint8)
            parts[stored["head"]], parts[stored["hand"]], parts[stored["foot"]] = 1, 4, 6
            expected = parts if index % 2 == 0 else np.full_like(parts, 255)
            assert torch.equal(sample["human_parts"][0], torch.tensor(expected))
            valid = np.isin(stored["context"], [3, 9, 284])
            normals = torch.tensor(stored["normals"] * valid[..., None]).movedim(2, 0)
            assert torch.allclose(sample["normals"], normals, atol=8e-3)
            if split == "val":
                assert torch.equal(sample["boundary"][0], torch.tensor(stored["context"].astype(np.int16)))


def test_images_without_persons_are_left_out_where_parts_are_the_only_task(tmp_path):
    archives.pascal_context(tmp_path)
    alone, together = load(tmp_path / "p", tasks=["human_parts"]), load(tmp_path / "p", tasks=["human_parts", "edge"])
    assert [sample["meta"]["id"] for sample in alone] == ["2008_000003", "2010_000101"]
    assert len(together) == 3
    assert (together[1]["human_parts"] == 255).all()
    assert len(load(tmp_path / "p", "val", tasks=["human_parts"])) == 2


@pytest.mark.parametrize("state", ["absent", "of other images", "shipped"])
def test_index_is_made_where_it_is_absent_or_of_other_images(tmp_path, state):
    archives.pascal_context(tmp_path, index=state == "shipped")
    path = tmp_path / "PASCAL_MT/ImageSets/Parts/train.txt"
    if state == "of other images":
        path.parent.mkdir()
        path.write_text('{"2008_000003": [15]}')
    if state == "shipped":
        path.write_text(json.dumps({id: [12] for id in archives.PASCAL_TRAIN}))  # this list is used
    assert len(load(tmp_path / "p", tasks=["human_parts", "semseg"])) == 3
    index = json.loads(path.read_text())
    wanted = [[12]] * 3 if state == "shipped" else [[15, -1], [12, -1], [15, -1]]
    assert index == dict(zip(archives.PASCAL_TRAIN, wanted, strict=True))
    assert [entry.name for entry in path.parent.iterdir()] == ["train.txt"] + ["val.txt"] * (state == "shipped")


def test_index_is_not_made_where_parts_are_no_task(tmp_path):
    archives.pascal_context(tmp_path, index=False)
    load(tmp_path / "p", tasks=["semseg"])
    assert not (tmp_path / "PASCAL_MT/ImageSets/Parts").exists()


def test_damaged_index_is_named(tmp_path):
    archives.pascal_context(tmp_path)
    (tmp_path / "PASCAL_MT/ImageSets/Parts/train.txt").write_text('{"2008_000003": [15')
    with pytest.raises(ValueError, match=r"Parts/train.txt: not an index .*; delete it to have it rebuilt"):
        load(tmp_path / "p")


def test_annotations_are_needed_of_persons_only(tmp_path):
    archives.pascal_context(tmp_path)
    (tmp_path / "PASCAL_MT/human_parts/2008_000007.mat").unlink()
    assert len(load(tmp_path / "p")) == 3
    (tmp_path / "PASCAL_MT/human_parts/2008_000003.mat").unlink()
    with pytest.raises(ValueError, match=r"1 of 3 train images .*human_parts/2008_000003.mat: missing"):
        load(tmp_path / "p")


def test_missing_annotation_is_named_where_the_index_is_made(tmp_path):
    archives.pascal_context(tmp_path, index=False)
    (tmp_path / "PASCAL_MT/human_parts/2008_000007.mat").unlink()
    with pytest.raises(ValueError, match=r"human_parts/2008_000007.mat: missing"):
        load(tmp_path / "p")
    assert not (tmp_path / "PASCAL_MT/ImageSets/Parts/train.txt").exists()
    assert len(load(tmp_path / "p", on_error="skip")) == 2


@pytest.mark.parametrize(
    ("name", "json_folder", "expected"),
    [
        ("PASCAL_MT", False, "PASCAL_MT, as of ASTMT"),
        ("PASCALContext", False, "PASCALContext, as of InvPT"),
        ("PASCALContext", True, "PASCALContext with json/, as of SAK"),
    ],
)
def test_known_archives_are_told_apart(tmp_path, name, json_folder, expected):
    archives.pascal_context(tmp_path, name=name)
    if json_folder:
        (tmp_path / name / "json").mkdir()
    assert load(tmp_path / "p", tasks=["semseg"]).about()["variant"] == expected


def test_parts_of_unknown_name_are_refused(tmp_path):
    archives.pascal_context(tmp_path)
    mask = np.ones((16, 20), np.uint8)
    archives.save_parts(tmp_path / "PASCAL_MT/human_parts/2008_000003.mat", [(15, mask, {"tail": mask})])
    with pytest.raises(ValueError, match=r"2008_000003.mat: unknown part 'tail' of a person; parts are hair"):
        load(tmp_path / "p")
