"""Numbers of parameters of the plain networks, in millions, as the config files build them."""

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
# 32 x 32 patches, and a head of 0.3694 M (width 192) or 5.9013 M (768) before its output layer for each task.
SIZES = [
    ("resnet18", SEMSEG, 15.91),
    ("resnet18", DEPTH, 15.90),
    ("resnet18", NYUD, 30.08),
    ("resnet18", PASCAL, 34.80),
    ("resnet50", SEMSEG, 39.64),
    ("resnet50", NYUD, 88.02),
    ("resnet50", PASCAL, 104.14),
    ("hrnet18", SEMSEG, 3.945),
    ("hrnet18", NYUD, 4.168),
    ("hrnet18", PASCAL, 4.238),
    ("vit_tiny", SEMSEG, 6.06),
    ("vit_tiny", NYUD, 7.17),
    ("vit_tiny", PASCAL, 7.54),
    ("vit_base_in1k", SEMSEG, 92.35),
    ("vit_base_in1k", NYUD, 110.06),
    ("vit_base_in1k", PASCAL, 115.97),
    ("vit_base_in21k", NYUD, 110.06),
    ("vit_base_in22k", NYUD, 110.06),
    ("vit_base_clip", NYUD, 110.06),
    ("vit_base_dino", NYUD, 110.06),
    ("vit_base_dinov2", DINOV2_NYUD, 110.18),
    ("vit_base_sam", NYUD, 112.52),
]


@pytest.mark.parametrize(("backbone", "words", "millions"), SIZES, ids=[f"{b} {w[0]}" for b, w, _ in SIZES])
def test_network_has_its_size(backbone, words, millions):
    cfg = build.compose([f"backbone={backbone}", *words])
    with torch.device("meta"):  # shapes without memory
        model = build.build_model(cfg, build.build_tasks(cfg))
    digits = 0.0005 if backbone == "hrnet18" else 0.005
    assert sum(p.numel() for p in model.parameters()) / 1e6 == pytest.approx(millions, abs=digits)
