from mtl.layers.aspp import ASPP
from mtl.layers.attention import CrossTaskAttention
from mtl.layers.conv import ConvBNReLU
from mtl.layers.distillation import Distillation
from mtl.layers.feature_propagation import FeaturePropagation
from mtl.layers.residual import basic_block, bottleneck
from mtl.layers.squeeze_excite import SqueezeExcite

__all__ = [
    "ASPP",
    "ConvBNReLU",
    "CrossTaskAttention",
    "Distillation",
    "FeaturePropagation",
    "SqueezeExcite",
    "basic_block",
    "bottleneck",
]
