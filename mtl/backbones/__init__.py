from mtl.backbones.adapted import Adapted
from mtl.backbones.base import Backbone
from mtl.backbones.block_taps import BlockTaps
from mtl.backbones.hrnet import HRNet
from mtl.backbones.joined import Joined
from mtl.backbones.prompted import Prompted
from mtl.backbones.pyramid import Pyramid
from mtl.backbones.stages import Image, Stages
from mtl.backbones.vit import SAM, ViT

__all__ = [
    "SAM",
    "Adapted",
    "Backbone",
    "BlockTaps",
    "HRNet",
    "Image",
    "Joined",
    "Prompted",
    "Pyramid",
    "Stages",
    "ViT",
]
