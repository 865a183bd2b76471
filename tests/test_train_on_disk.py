"""Training on miniature archives, from the command line to the record; bad data gets one line before the first step."""

import json
import runpy
import sys
from pathlib import Path

import archives
import numpy as np
import pytest
from PIL import Image

TRAIN = Path(__file__).parent.parent / "train.py"
SMALL = [
    "backbone=resnet_tiny",
    "dataset.height=32",
    "dataset.width=32",
    "recipe.batch_size=2",
    "recipe.steps=2",
    "recipe.evaluate=end",
    "device=cpu",
    "logger=csv",
]
COUNTS = ["dataset.train.images=3", "dataset.val.images=2"]
LITE = ["backbone=efficientnet_lite0", "backbone.pretrained=false"]
NYUD, PASCAL = ["dataset=nyud", *COUNTS], ["dataset=pascal_context", *COUNTS]


@pytest.fixture
def train(tmp_path, monkeypatch, capsys):
    """Runs `python train.py` in this process; gives exit code, stdout and stderr."""

    def call(*words: str):
        capsys.readouterr()
        home = [f"data={tmp_path}/data", f"results={tmp_path}/results"]
        monkeypatch.setattr(sys, "argv", ["train.py", *SMALL, *home, *words])
        monkeypatch.setenv("HYDRA_FULL_ERROR", "0")
        code = 0
        try:
            runpy.run_path(str(TRAIN), run_name="__main__")
        except SystemExit as end:
            code = end.code
        return (code, *capsys.readouterr())

    return call


@pytest.fixture
def refused(train, tmp_path):
    """Runs a command that must be refused before anything is trained; gives its line."""

    def call(*words: str) -> str:
        code, _, stderr = train(*words)
        assert code == 1
        (line,) = [line for line in stderr.splitlines() if "error: " in line]
        assert "Traceback" not in stderr
        assert not list(tmp_path.glob("results/runs/*/seed*/*.pt"))
        return line

    return call


def record(tmp_path: Path) -> dict:
    (path,) = tmp_path.glob("results/runs/*/seed0/record.json")
    return json.loads(path.read_text())


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


@pytest.mark.parametrize("archive", ["A", "B"])
def test_nyud_is_trained_and_the_record_names_its_archive(train, tmp_path, archive):
    archives.nyud(tmp_path / "data", archive)
    code, _, err = train(*NYUD)
    assert code == 0, err
    about = record(tmp_path)
    assert about["data"]["train"]["images"] == 3
    assert about["data"]["val"]["variant"].startswith(f"archive {archive}")
    assert list(about["metrics"]) == ["semseg", "depth", "normals", "edge"]
    assert about["metrics"]["edge"]["preset"] == "seism"


def test_pascal_context_is_trained(train, tmp_path):
    archives.pascal_context(tmp_path / "data")
    code, _, err = train(*PASCAL, "workers=1")
    assert code == 0, err
    presets = {task: about["preset"] for task, about in record(tmp_path)["metrics"].items()}
    assert presets == {
        "semseg": "absent_zero",
        "human_parts": "absent_zero",
        "normals": "strict",
        "saliency": "plain",
        "edge": "seism",
    }


def test_replica_is_trained_with_half_of_its_scans(train, tmp_path):
    scenes = {"train": {"frl_apartment_0": 8}, "val": {"office_0": 2}, "test": {"room_1": 3}}
    archives.replica(tmp_path / "data/replica", scenes=scenes)
    words = ["apartment_0", "apartment_1", "frl_apartment_1", "hotel_0", "office_1", "office_3", "office_4"]
    words = [f"~dataset.train.scenes.{scene}" for scene in [*words, "room_0", "room_2"]]
    words += [f"~dataset.val.scenes.{scene}" for scene in ("apartment_2", "frl_apartment_2", "frl_apartment_3")]
    words += [f"~dataset.test.scenes.{scene}" for scene in ("frl_apartment_4", "frl_apartment_5", "office_2")]
    words += ["dataset.train.scenes.frl_apartment_0=8", "dataset.val.scenes.office_0=2", "dataset.test.scenes.room_1=3"]
    code, _, err = train("dataset=replica", *words, "dataset.sampling=half_scans", "dataset.noise=pixel")
    assert code == 0, err
    assert record(tmp_path)["data"]["train"]["images"] == 4
    assert list(record(tmp_path)["metrics"]) == ["semseg", "depth", "normals"]
    for found in (record(tmp_path)["best"], record(tmp_path)["last"]):
        assert list(found["test"]) == list(found["scores"])
        assert found["test"] != found["scores"]  # of other scenes


def test_camvid_is_trained_at_half_its_size_and_scored_on_its_test_split(train, tmp_path):
    archives.camvid(tmp_path / "data")
    counts = [f"dataset.{split}.images={count}" for split, count in archives.CAMVID.items()]
    code, _, err = train("dataset=camvid", *counts, "dataset.shrink=2", *LITE)
    assert code == 0, err
    about = record(tmp_path)
    assert about["data"]["test"]["images"] == 2
    assert {task: metric["preset"] for task, metric in about["metrics"].items()} == {
        "semseg": "absent_zero",
        "edge": "seism",
    }
    for found in (about["best"], about["last"]):
        assert list(found["test"]) == list(found["scores"]) == ["semseg", "edge"]
    assert about["config"]["dataset"]["train"]["transform"]["transforms"][4]["mean"] == [0.5, 0.5, 0.5]


@pytest.mark.parametrize("task", ["depth", "edge", "human_parts"])
def test_single_task_networks_need_segmentation_for_the_crop_alone(train, tmp_path, task):
    words = PASCAL if task == "human_parts" else NYUD
    (archives.pascal_context if task == "human_parts" else archives.nyud)(tmp_path / "data")
    code, _, err = train(*words, f"subset={task}")
    assert code == 0, err
    assert record(tmp_path)["data"]["train"]["images"] == (2 if task == "human_parts" else 3)


@pytest.mark.parametrize(
    ("name", "target"),
    [
        ("nyud", "data-nyud"),
        ("pascal_context", "data-pascal-context"),
        ("replica", "data-replica"),
        ("camvid", "data-camvid"),
    ],
)
def test_missing_dataset_is_one_line_with_the_folder_and_the_target(refused, tmp_path, name, target):
    line = refused(f"dataset={name}")
    assert f" in {tmp_path}/data/{name}: fetch it with make {target}, " in line


@pytest.mark.parametrize("workers", [0, 1])
def test_bad_data_is_one_line_before_the_first_step(refused, tmp_path, workers):
    archives.nyud(tmp_path / "data")
    path = tmp_path / "data/NYUD_MT/segmentation/0004.png"
    labels = np.array(Image.open(path))
    labels[0, 1] = 200
    Image.fromarray(labels).save(path)
    line = refused(*NYUD, f"workers={workers}")
    assert f"{path}: label 200 at row 0, column 1, but labels are 0 (unlabelled) to 40; extract the archive" in line


def test_damaged_images_are_skipped_in_training_and_named_in_the_record(train, tmp_path):
    archives.nyud(tmp_path / "data")
    cut(tmp_path / "data/NYUD_MT/images/0004.jpg")
    code, _, err = train(*NYUD, "dataset.on_error=skip", "dataset.cache=true")
    assert code == 0, err
    assert f"skipped: 1 of 3 train images of NYUD-v2 cannot be used: {tmp_path}/data/NYUD_MT/images/0004.jpg: " in err
    assert record(tmp_path)["data"]["train"]["left_out"] == ["0004"]
    assert record(tmp_path)["data"]["val"]["left_out"] == []


def test_damaged_images_of_validation_are_never_skipped(refused, tmp_path):
    archives.nyud(tmp_path / "data")
    cut(tmp_path / "data/NYUD_MT/images/0002.jpg")
    assert "1 of 2 val images of NYUD-v2 cannot be used: " in refused(*NYUD, "dataset.on_error=skip")


@pytest.mark.parametrize("workers", [0, 1])
def test_file_that_breaks_while_a_run_goes_on_is_named(train, tmp_path, monkeypatch, workers):
    archives.nyud(tmp_path / "data")
    monkeypatch.setattr("mtl.data.NYUD.check", lambda self, thorough=False: None)  # it was whole at the start
    for name in archives.TRAIN:
        cut(tmp_path / f"data/NYUD_MT/images/{name}.jpg")
    code, _, err = train(*NYUD, f"workers={workers}")
    assert code == 1
    (line,) = [line for line in err.splitlines() if "error: " in line]
    assert f"error: {tmp_path}/data/NYUD_MT/images/" in line
    assert "cannot be read, probably truncated at" in line
    assert "extract the archive again (make data-nyud ARCHIVE=FILE)" in line
    assert "Traceback" not in err
