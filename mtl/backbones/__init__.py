from mtl.backbones.base import Backbone
from mtl.backbones.pyramid import Pyramid

__all__ = ["Backbone", "Pyramid"]
