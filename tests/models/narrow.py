"""Narrow networks of every architecture in configs/model, found by its word."""

from collections.abc import Sequence
from functools import cache, partial
from pathlib import Path

import torch
import torch.nn.functional as F
from hydra.utils import instantiate
from omegaconf import DictConfig
from properties import records
from torch import nn

from mtl import build
from mtl.backbones import Backbone, Pyramid, ViT
from mtl.heads import DeepLabHead, HRNetHead, MultiTapHead
from mtl.layers import ConvBNReLU
from mtl.models import MultiTaskModel
from mtl.models.sak import Mixture

FOLDER = Path(__file__).parents[2] / "configs" / "model"
WORDS = sorted(path.stem for path in FOLDER.glob("*.yaml"))
SIZE = (32, 64)
WIDTHS = [8, 12, 16, 20]
HEAD = partial(DeepLabHead, channels=8, dilations=(2,), dropout=0.0)
OPTIONS = {
    "mti_net": {"squeeze": 1},
    "pad_net": {"width": 2},
    "invpt": {"channels": 8, "widths": [8, 6, 4]},
    **{f"taskprompter{size}": {"embedding": 6, "width": 8} for size in ("", "_nyud", "_pascal")},
}


class Scales(Backbone):
    """A narrow encoder of four scales."""

    def __init__(self, strides: Sequence[int] = (4, 8, 16, 32)) -> None:
        super().__init__()
        self.channels, self.strides = WIDTHS, list(strides)
        self.stages = nn.ModuleList(ConvBNReLU(*pair, 3) for pair in zip([3, *WIDTHS], WIDTHS, strict=False))
        self.last = nn.Conv2d(WIDTHS[0], WIDTHS[0], 3, padding=1)

    def forward(self, image):
        x, maps = image, []
        for scale, stage in enumerate(self.stages):
            x = stage(F.avg_pool2d(x, 2 if scale else 4, ceil_mode=True))
            x = self.last(x) if scale == 0 else x
            maps.append(x)
        return maps

    @property
    def last_layer(self):
        return self.last.weight


def resnet() -> tuple[Backbone, partial]:
    network = {"layers": [2, 2, 2, 2], "channels": WIDTHS, "stem_width": 8, "stem_type": "deep"}
    return Pyramid("resnet18.tv_in1k", pretrained=False, output_stride=8, **network), HEAD


def vit() -> tuple[Backbone, partial]:
    network = {"embed_dim": 16, "depth": 4, "num_heads": 2, "patch_size": 8, "img_size": SIZE}
    backbone = ViT("vit_tiny_patch16_224", False, taps=[1, 2, 3, 4], drop_path=0.0, **network)
    return backbone, partial(MultiTapHead, stride=4)


ENCODERS = {"hrnet18": lambda: (Scales(), HRNetHead), "vit_tiny": vit, "vit_base": vit, "resnet18": resnet}


def narrow(word: str, channels: dict[str, int], bias: float = 0.0, **options) -> MultiTaskModel:
    """A narrow network of `configs/model`, on a narrow encoder of the kind that the file chooses; always the same."""
    cfg = composed(word)
    torch.manual_seed(0)
    backbone, head = ENCODERS[cfg.backbone.name]()
    tasks = records(channels, bias)
    for task in tasks:
        if coarse := cfg.model.get("coarse", {}).get(task.name):
            object.__setattr__(task, "coarse", instantiate(coarse))
    node = {**cfg.model.network, **OPTIONS.get(word, {}), **options}
    model = instantiate(node, _partial_=True)(tasks=tasks, backbone=backbone, head=head)
    for module in model.modules():
        if isinstance(module, nn.modules.dropout._DropoutNd):
            module.p = 0.0
        if isinstance(module, Mixture):
            module.eval()  # no noise
        if isinstance(module, nn.BatchNorm2d):  # a weight of 0 would hide all gradients before it
            nn.init.ones_(module.weight)
    return model


@cache
def composed(word: str) -> DictConfig:
    """The config of the network."""
    return build.compose([f"model={word}"])
