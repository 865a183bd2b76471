import pytest
from fake_runs import config_of

from mtl.report.address import Setting, method_of, setting_of


def config(**changes):
    """The changes are names of config groups, but a mapping for the dataset."""
    groups = {group: value if isinstance(value, dict) else {"name": value} for group, value in changes.items()}
    return config_of("uniform", ["semseg", "depth"]) | groups


def test_setting_has_the_names_of_the_paper():
    found = setting_of(config(dataset="nyud", backbone="resnet18", model="mtan"))
    assert found == Setting("NYUD-v2", "ResNet-18", "MTAN")
    assert found == ("NYUD-v2", "ResNet-18", "MTAN", "", "")


def test_what_the_paper_has_no_name_for_goes_by_its_own():
    assert setting_of(config(dataset="mine", backbone="mamba", model="padnet")) == Setting("mine", "mamba", "padnet")


def test_initialisations_of_one_backbone_are_settings_of_their_own():
    found = [setting_of(config(backbone=name)) for name in ("vit_base_in1k", "vit_base_dinov2")]
    assert [(one.backbone, one.initialization) for one in found] == [("ViT-B", "ImageNet-1K"), ("ViT-B", "DINO-v2")]


@pytest.mark.parametrize(
    ("changes", "operation"),
    [
        ({}, ""),
        ({"sampling": "full", "noise": "none"}, ""),
        ({"sampling": "twelve_scans", "noise": "none"}, "12 scans (per scene)"),
        ({"sampling": "full", "noise": "pixel"}, "Noise"),
        ({"sampling": "one_scene", "noise": "pixel"}, "1 scene (all scans), Noise"),
    ],
)
def test_operation_is_what_is_done_to_the_training_split(changes, operation):
    assert setting_of(config(dataset={"name": "replica"} | changes)).operation == operation


def test_network_of_one_task_is_single_task_whatever_its_weighter():
    assert method_of(config_of("avgnorm", ["depth"])) == "Single-task"
    assert method_of(config_of("avgnorm", ["semseg", "depth"])) == "AvgNorm"
    assert method_of(config_of("my_own", ["semseg", "depth"])) == "my_own"
