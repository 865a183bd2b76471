from mtl.layers.aspp import ASPP
from mtl.layers.attention import CrossTaskAttention
from mtl.layers.blocks import ConvBNReLU, SqueezeExcite, basic_block, bottleneck, output_layer
from mtl.layers.context import ContextBlock
from mtl.layers.distillation import Distillation
from mtl.layers.feature_propagation import FeaturePropagation
from mtl.layers.resize import concatenate, resize
from mtl.layers.rotation import Rotation

__all__ = [
    "ASPP",
    "ContextBlock",
    "ConvBNReLU",
    "CrossTaskAttention",
    "Distillation",
    "FeaturePropagation",
    "Rotation",
    "SqueezeExcite",
    "basic_block",
    "bottleneck",
    "concatenate",
    "output_layer",
    "resize",
]
