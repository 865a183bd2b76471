from mtl.data.transforms.crop import RandomCrop
from mtl.data.transforms.normalize import Normalize
from mtl.data.transforms.pad import IgnoreAbsentPersons, Pad
from mtl.data.transforms.photometric import PhotometricDistortion
from mtl.data.transforms.scale import RandomScale
from mtl.data.transforms.types import Depth, Normals

__all__ = [
    "Depth",
    "IgnoreAbsentPersons",
    "Normalize",
    "Normals",
    "Pad",
    "PhotometricDistortion",
    "RandomCrop",
    "RandomScale",
]
