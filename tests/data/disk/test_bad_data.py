"""Bad files are reported with advice, before the first image is used."""

import shutil
from pathlib import Path

import archives
import numpy as np
import pytest
import scipy.io
from PIL import Image

from mtl.data import NYUD, PascalContext
from mtl.data.disk import DamagedFileError

ALL = ("semseg", "depth", "normals", "edge")


def nyud(root, split="train", **changes):
    arguments = {
        "images": None,
        "num_classes": 40,
        "png_normals": "strict",
        "on_error": "raise",
        "tasks": ALL,
    } | changes
    return NYUD(root=root / "nyud", split=split, **arguments)


def cut(path: Path, share: float = 0.7) -> None:
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])


def twice(path: Path) -> None:
    path.write_text(path.read_text() + "0004\n")


def label_200(path: Path) -> None:
    labels = np.array(Image.open(path))
    labels[3, 5] = 200
    Image.fromarray(labels).save(path)


def store(array):
    def change(path: Path) -> None:
        archives.save(path, array)

    return change


def nan(path: Path) -> None:
    depth = np.load(path)
    depth[2, 2:4] = np.nan
    np.save(path, depth)


BAD = {  # archive, file, damage, message
    "truncated_jpg": ("A", "images/0004.jpg", cut, "cannot be read, probably truncated at"),
    "truncated_png": ("B", "images/0004.png", cut, "cannot be read, probably truncated at"),
    "truncated_labels": ("A", "segmentation/0004.png", cut, "cannot be read, probably truncated at"),
    "truncated_array": ("A", "depth/0004.npy", cut, "cannot be read, probably truncated at"),
    "empty_file": ("A", "depth/0004.npy", lambda path: path.write_bytes(b""), "probably truncated at 0 bytes"),
    "web_page": ("A", "images/0004.jpg", lambda path: path.write_text("<html>"), "cannot be read"),
    "missing": ("A", "depth/0004.npy", Path.unlink, "missing"),
    "label_200": (
        "A",
        "segmentation/0004.png",
        label_200,
        "label 200 at row 3, column 5, but labels are 0 (unlabelled)",
    ),
    "nan_depth": ("A", "depth/0004.npy", nan, "2 of its 374 values are NaN or infinite"),
    "negative_depth": ("A", "depth/0004.npy", store(np.full((17, 22), -1.0)), "depth of -1.0 m"),
    "labels_of_16_bits": (
        *("A", "segmentation/0004.png", store(np.zeros((17, 22), np.uint16))),
        "holds uint16 of shape (17, 22), from 0 to 0, not a map of uint8",
    ),
    "labels_in_colour": (
        *("A", "segmentation/0004.png", store(np.zeros((17, 22, 3), np.uint8))),
        "holds uint8 of shape (17, 22, 3), from 0 to 0, not a map of uint8",
    ),
    "image_of_16_bits": ("B", "images/0004.png", store(np.zeros((17, 22), np.uint16)), "pixels of mode I;16"),
    "whole_numbers_for_depth": (
        *("A", "depth/0004.npy", store(np.ones((17, 22), np.uint8))),
        "holds uint8 of shape (17, 22), from 1 to 1, not floats, in metres",
    ),
    "words_for_depth": (
        *("A", "depth/0004.npy", store(np.full((17, 22), "far"))),
        "holds <U3 of shape (17, 22), not numbers",
    ),
    "objects_for_depth": ("A", "depth/0004.npy", store(np.array([{}])), "holds pickled Python objects, not an array"),
    "depth_in_colour": ("A", "depth/0004.npy", store(np.ones((17, 22, 3))), "holds float64 of shape (17, 22, 3)"),
    "label_of_other_size": ("A", "depth/0004.npy", store(np.ones((18, 22))), "is 18 x 22, but its image is 17 x 22"),
    "long_normals": ("A", "normals/0004.npy", store(np.full((17, 22, 3), 200.0)), "normals reach 200.0"),
    "soft_edges": (
        "B",
        "edge/0004.png",
        store(np.full((17, 22), 100, np.uint8)),
        "from 100 to 100, not a map of 0 and 255",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_file_is_named_with_the_way_out(tmp_path, case):
    archive, name, change, message = BAD[case]
    archives.nyud(tmp_path, archive)
    (path,) = tmp_path.glob(f"NYUD*/{name}")
    change(path)
    with pytest.raises(DamagedFileError) as caught:
        nyud(tmp_path)
    line = str(caught.value)
    assert line.startswith(f"1 of 3 train images of NYUD-v2 cannot be used: {path}: ")
    assert message in line
    assert "extract the archive again (make data-nyud ARCHIVE=FILE), or train without" in line
    assert "dataset.on_error=skip" in line
    assert "\n" not in line


@pytest.mark.parametrize("case", BAD)
def test_bad_file_is_skipped_and_counted_where_that_is_wanted(tmp_path, caplog, case):
    archive, name, change, message = BAD[case]
    archives.nyud(tmp_path, archive)
    (path,) = tmp_path.glob(f"NYUD*/{name}")
    change(path)
    dataset = nyud(tmp_path, on_error="skip")
    assert [sample["meta"]["id"] for sample in dataset] == ["0003", "0007"]
    assert message in caplog.text
    assert dataset.about()["left_out"] == ["0004"]
    assert dataset.about()["images"] == 2


def test_evaluation_never_skips(tmp_path):
    archives.nyud(tmp_path)
    cut(tmp_path / "NYUD_MT/images/0001.jpg")
    with pytest.raises(DamagedFileError, match=r"1 of 2 val images .*0001.jpg: cannot be read") as caught:
        nyud(tmp_path, "val", on_error="skip")
    assert "on_error" not in str(caught.value)


def test_nothing_left_is_refused(tmp_path):
    archives.nyud(tmp_path)
    shutil.rmtree(tmp_path / "NYUD_MT/depth")
    with pytest.raises(DamagedFileError, match=r"3 of 3 train images"):
        nyud(tmp_path, on_error="skip")


def test_half_extracted_tree_is_named_with_the_first_of_what_is_missing(tmp_path):
    archives.nyud(tmp_path, train=[f"{number:04}" for number in range(10, 20)])
    for path in sorted(tmp_path.glob("NYUD_MT/normals/*.npy"))[4:]:
        path.unlink()
    with pytest.raises(DamagedFileError) as caught:
        nyud(tmp_path)
    line = str(caught.value)
    assert line.startswith("8 of 10 train images of NYUD-v2 cannot be used: ")
    assert "normals/0012.npy: missing; " in line
    assert "and 5 more; extract the archive again" in line


def test_missing_list_is_named(tmp_path):
    archives.nyud(tmp_path)
    (tmp_path / "NYUD_MT/gt_sets/train.txt").unlink()
    with pytest.raises(
        DamagedFileError, match=r"gt_sets/train.txt: No such file or directory; extract the archive again"
    ):
        nyud(tmp_path)


def test_id_listed_twice_is_named(tmp_path):
    archives.nyud(tmp_path)
    twice(tmp_path / "NYUD_MT/gt_sets/train.txt")
    with pytest.raises(ValueError, match=r"gt_sets/train.txt: 0004 is listed twice: delete one of the lines"):
        nyud(tmp_path)


def test_wrong_number_of_images_is_named(tmp_path):
    archives.nyud(tmp_path)
    with pytest.raises(
        ValueError, match=r"split train of NYUD-v2 has 3 images, not 795; extract .* dataset.train.images=3"
    ):
        nyud(tmp_path, images=795)
    assert len(nyud(tmp_path, images=3)) == 3


def test_unknown_word_for_errors_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"dataset.on_error=ignore: use raise or skip"):
        nyud(tmp_path, on_error="ignore")


def test_file_that_breaks_in_a_run_is_named(tmp_path):
    archives.nyud(tmp_path)
    dataset = nyud(tmp_path)
    cut(tmp_path / "NYUD_MT/images/0004.jpg")
    assert dataset[0]["meta"]["id"] == "0003"
    with pytest.raises(DamagedFileError, match=r"images/0004.jpg: cannot be read.*extract the archive again"):
        _ = dataset[1]


MAT = {  # contents of a file, message
    "other_variable": ({"Labels": np.ones((16, 20), np.uint16)}, "has no variable LabelMap, only Labels"),
    "class_beyond_the_table": ({"LabelMap": np.full((16, 20), 460, np.uint16)}, "label 460 at row 0, column 0"),
    "fractions": ({"LabelMap": np.full((16, 20), 0.5)}, "LabelMap holds float64"),
    "other_size": ({"LabelMap": np.ones((4, 20), np.uint16)}, "is 4 x 20, but its image is 16 x 20"),
    "no_struct": ({"anno": np.ones((16, 20))}, "holds no objects with parts"),
    "cut": (None, "cannot be read, probably truncated at"),
}


@pytest.mark.parametrize("tasks", [["edge"], ["normals"], ["edge", "normals", "human_parts"]], ids="+".join)
@pytest.mark.parametrize("case", MAT)
def test_bad_mat_file_is_named(tmp_path, case, tasks):
    content, message = MAT[case]
    archives.pascal_context(tmp_path)
    folder, tasks = ("human_parts", ["human_parts"]) if case == "no_struct" else ("pascal-context/trainval", tasks)
    path = tmp_path / f"PASCAL_MT/{folder}/2008_000003.mat"
    cut(path) if content is None else scipy.io.savemat(path, content)
    with pytest.raises(DamagedFileError) as caught:
        PascalContext(
            root=tmp_path / "p",
            split="train",
            tasks=tasks,
            images=None,
            num_classes=21,
            png_normals="strict",
            on_error="raise",
        )
    assert f"{path}: {message}" in str(caught.value)
