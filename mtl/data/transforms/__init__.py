from mtl.data.transforms.normalize import Normalize
from mtl.data.transforms.types import Depth, Normals

__all__ = ["Depth", "Normalize", "Normals"]
