"""The recipe that a backbone brings is the printed one."""

from pathlib import Path

import pandas as pd
import pytest
import timm
from hydra.utils import get_class

from mtl import build

PAPER = Path(__file__).parent.parent / "results" / "paper"
TABLE_IX = pd.read_csv(PAPER / "table_IX.csv", index_col="hyperparameter", dtype=str)
TABLE_VIII = pd.read_csv(PAPER / "table_VIII.csv", index_col="table_IV_initialization")

COLUMNS = {
    "ResNet": ["resnet18", "resnet50"],
    "HRNet": ["hrnet18"],
    "ViT": [path.stem for path in sorted(build.CONFIGS.glob("backbone/vit_*.yaml"))],
}
NOT_IN_THE_PAPER = {"resnet_tiny", "resnet_narrow", "efficientnet_lite0", "efficientnet_lite0_one_map"}
PAIRS = [(column, backbone) for column, backbones in COLUMNS.items() for backbone in backbones]
INITIALISATIONS = {
    "ImageNet-1K": ("vit_base_in1k", 16, ""),
    "ImageNet-21K": ("vit_base_in21k", 16, ""),
    "ImageNet-22K": ("vit_base_in22k", 16, ""),
    "CLIP": ("vit_base_clip", 16, ".laion2b_ft_in12k_in1k"),
    "SAM": ("vit_base_sam", 16, ".sa1b"),
    "DINO": ("vit_base_dino", 16, ""),
    "DINO-v2": ("vit_base_dinov2", 14, ".lvd142m"),
}


@pytest.mark.parametrize(("column", "backbone"), PAIRS, ids=str)
def test_backbone_brings_its_column_of_table_ix(column, backbone):
    printed, recipe = TABLE_IX[column], build.compose([f"backbone={backbone}"]).recipe
    assert recipe.batch_size == int(printed["Total batch size"])
    assert get_class(recipe.optimizer._target_).__name__ == printed["Optimizer"]
    assert recipe.optimizer.lr == float(printed["Base learning rate"])
    assert recipe.optimizer.weight_decay == float(printed["Weight Decay"])
    assert (printed["LR scheduler"], recipe.power) == ("Poly", 0.9)
    assert (recipe.clip or 0) == float(printed["Gradient clipping"])
    if "epochs" in printed["Steps"]:  # those of the dataset
        assert (recipe.steps, recipe.evaluate, recipe.schedule) == (None, "epoch", "epoch")
    else:
        assert f"{recipe.steps // 1000}k iterations" == printed["Steps"]
        assert f"{recipe.evaluate // 1000}k iterations" == printed["Test round"]
        assert recipe.schedule == "step"


def test_every_backbone_has_its_column():
    ours = {path.stem for path in build.CONFIGS.glob("backbone/*.yaml")} - NOT_IN_THE_PAPER
    assert ours == {backbone for _, backbone in PAIRS}


@pytest.mark.parametrize("row", INITIALISATIONS)
def test_initialisation_has_its_name_in_table_viii(row):
    word, patch, tag = INITIALISATIONS[row]
    encoder = build.compose([f"backbone={word}"]).backbone.encoder
    assert encoder.name == TABLE_VIII.timm_name[row] + tag
    weights = timm.get_pretrained_cfg(encoder.name)
    assert f".{weights.tag}" == f".{encoder.name.partition('.')[2]}"
    assert f"patch{patch}" in encoder.name
    text = (build.CONFIGS / f"backbone/{word}.yaml").read_text()
    assert f"patch {patch}" in text
    assert weights.license.lower() in text.lower()


def test_table_viii_is_complete():
    assert list(TABLE_VIII.index) == list(INITIALISATIONS)


@pytest.mark.parametrize("backbone", ["resnet18", "resnet50", "hrnet18", "vit_tiny", "vit_base", "efficientnet_lite0"])
def test_licence_of_the_weights_is_stated(backbone):
    name = build.compose([f"backbone={backbone}"]).backbone.encoder.name
    text = (build.CONFIGS / f"backbone/{backbone}.yaml").read_text().lower()
    assert timm.get_pretrained_cfg(name).license in text


def test_chosen_recipe_wins_over_the_backbones():
    assert build.compose(["backbone=vit_tiny", "recipe=resnet"]).recipe.name == "resnet"
    assert build.compose(["recipe=resnet", "backbone=hrnet18"]).recipe.name == "resnet"
