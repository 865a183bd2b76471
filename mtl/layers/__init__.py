from mtl.layers.aspp import ASPP
from mtl.layers.attention import CrossTaskAttention
from mtl.layers.blocks import ConvBNReLU, SqueezeExcite, basic_block, bottleneck
from mtl.layers.distillation import Distillation
from mtl.layers.feature_propagation import FeaturePropagation
from mtl.layers.resize import concatenate, resize

__all__ = [
    "ASPP",
    "ConvBNReLU",
    "CrossTaskAttention",
    "Distillation",
    "FeaturePropagation",
    "SqueezeExcite",
    "basic_block",
    "bottleneck",
    "concatenate",
    "resize",
]
