"""Numbers of parameters of the plain networks, as the config files build them."""

import pytest
import torch

from mtl import build

NYUD = [
    "subset=[semseg,depth,normals,edge]",
    "dataset.num_classes.semseg=40",
    "dataset.height=448",
    "dataset.width=576",
]
PASCAL = [
    "subset=[semseg,human_parts,normals,saliency,edge]",
    "dataset.num_classes.semseg=21",
    "dataset.height=512",
    "dataset.width=512",
]
SEMSEG = [*NYUD, "subset=semseg"]
DEPTH = [*NYUD, "subset=depth"]
DINOV2_NYUD = [*NYUD, "dataset.width=574"]

# HRNet and ResNet: sizes of the reference. A transformer is its encoder with a position embedding of 28 x 36 or
# 32 x 32 patches, and for each task a head of 369,408 (width 192) or 5,901,312 (768) before its output layer.
SIZES = [
    ("resnet18", SEMSEG, 15_908_968),
    ("resnet18", DEPTH, 15_898_945),
    ("resnet18", NYUD, 30_076_781),
    ("resnet18", PASCAL, 34_796_130),
    ("resnet50", SEMSEG, 39_643_752),
    ("resnet50", NYUD, 88_021_357),
    ("resnet50", PASCAL, 104_143_970),
    ("hrnet18", SEMSEG, 3_945_270),
    ("hrnet18", NYUD, 4_167_755),
    ("hrnet18", PASCAL, 4_238_484),
    ("vit_tiny", SEMSEG, 6_057_448),
    ("vit_tiny", NYUD, 7_166_637),
    ("vit_tiny", PASCAL, 7_536_994),
    ("vit_base_in1k", SEMSEG, 92_354_344),
    ("vit_base_in1k", NYUD, 110_062_125),
    ("vit_base_in1k", PASCAL, 115_967_266),
    ("vit_base_in21k", NYUD, 110_062_125),
    ("vit_base_in22k", NYUD, 110_062_125),
    ("vit_base_clip", NYUD, 110_062_893),
    ("vit_base_dino", NYUD, 110_062_125),
    ("vit_base_dinov2", DINOV2_NYUD, 110_178_093),
    ("vit_base_sam", NYUD, 112_523_309),
]


@pytest.mark.parametrize(("backbone", "words", "size"), SIZES, ids=[f"{b} {w[0]}" for b, w, _ in SIZES])
def test_network_has_its_size(backbone, words, size):
    cfg = build.compose([f"backbone={backbone}", *words])
    with torch.device("meta"):  # shapes without memory
        model = build.build_model(cfg, build.build_tasks(cfg))
    assert sum(p.numel() for p in model.parameters()) == size
