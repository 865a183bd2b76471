from mtl.layers.aspp import ASPP
from mtl.layers.conv import ConvBNReLU

__all__ = ["ASPP", "ConvBNReLU"]
