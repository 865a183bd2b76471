from pathlib import Path

import pytest
from fake_runs import config_of

from mtl import build
from mtl.report.names import (
    DATASETS,
    METHODS,
    VALIDATED_APART,
    Setting,
    chosen_on,
    method_label,
    method_of,
    notation,
    primary,
    setting_of,
)

CONFIGS = Path(__file__).parents[2] / "configs"
WEIGHTERS = sorted((CONFIGS / "weighter").glob("*.yaml"))


@pytest.mark.parametrize("path", WEIGHTERS, ids=lambda path: path.stem)
def test_every_weighter_has_a_name_in_print(path):
    assert path.stem in METHODS


def test_unknown_weighter_keeps_its_name():
    assert method_label("avgnorm") == "AvgNorm"
    assert method_label("ours") == "ours"


def test_metric_is_written_in_the_unit_of_its_task():
    assert notation("depth", "rmse") == ("RMSE", "m", 4, False)
    assert notation("disparity", "rmse") == ("RMSE", "1/m", 4, False)


def test_unknown_metric_or_task_uses_its_key():
    assert notation("depth", "log_error").name == notation("height", "log_error").name == "log error"


def test_primary_metric_is_the_one_that_the_task_names_first():
    columns = ["best/step", "best/edge/ap", "best/edge/ods_f", "best/height/log_error"]
    assert [primary(task, columns) for task in ("edge", "height", "depth")] == ["ods_f", "log_error", None]


@pytest.mark.parametrize("path", sorted((CONFIGS / "dataset").glob("*.yaml")), ids=lambda path: path.stem)
def test_datasets_with_validation_and_test_splits_are_declared(path):
    assert (DATASETS[path.stem] in VALIDATED_APART) == ("test" in build.composed([f"dataset={path.stem}"]).dataset)


def test_selection_of_the_best_is_noted_once_per_dataset():
    assert [line.partition(":")[0] for line in chosen_on(["NYUD-v2", "Replica", "rooms", "NYUD-v2"])] == [
        *("NYUD-v2", "rooms")
    ]
    assert chosen_on(["rooms"])[0].endswith("so it is optimistic; the last one is not.")
    assert chosen_on(["rooms"], ours=False)[0].endswith("so it is optimistic.")


def config_with(**changes):
    """Config with the given group names; `dataset` is a mapping."""
    groups = {group: value if isinstance(value, dict) else {"name": value} for group, value in changes.items()}
    return config_of("uniform", ["semseg", "depth"]) | groups


def test_setting_has_the_names_of_the_paper():
    found = setting_of(config_with(dataset="nyud", backbone="resnet18", model="mtan"))
    assert found == Setting("NYUD-v2", "ResNet-18", "MTAN")
    assert found == ("NYUD-v2", "ResNet-18", "MTAN", "", "")


def test_names_unknown_to_the_paper_are_kept():
    assert setting_of(config_with(dataset="mine", backbone="mamba", model="padnet")) == Setting(
        "mine", "mamba", "padnet"
    )


def test_initializations_of_one_backbone_are_settings_of_their_own():
    found = [setting_of(config_with(backbone=name)) for name in ("vit_base_in1k", "vit_base_dinov2")]
    assert [(one.backbone, one.initialization) for one in found] == [("ViT-B", "ImageNet-1K"), ("ViT-B", "DINO-v2")]


@pytest.mark.parametrize(
    ("operations", "name"),
    [
        ({}, ""),
        ({"sampling": {"word": "twelve_scans"}}, "12 scans (per scene)"),
        ({"noise": {"mode": "pixel"}}, "Noise"),
        ({"sampling": {"word": "one_scene"}, "noise": {"mode": "pixel"}}, "1 scene (all scans), Noise"),
    ],
)
def test_operation_is_what_is_done_to_the_training_split(operations, name):
    assert setting_of(config_with(dataset={"name": "replica", "operations": operations})).operation == name


def test_network_of_one_task_is_single_task_whatever_its_weighter():
    assert method_of(config_of("avgnorm", ["depth"])) == "Single-task"
    assert method_of(config_of("avgnorm", ["semseg", "depth"])) == "AvgNorm"
    assert method_of(config_of("my_own", ["semseg", "depth"])) == "my_own"
