from mtl.data.transforms.crop import RandomCrop
from mtl.data.transforms.finish import IgnoreAbsentPersons, Normalize, Pad
from mtl.data.transforms.photometric import PhotometricDistortion
from mtl.data.transforms.scale import RandomScale
from mtl.data.transforms.types import LabelMap, typed

__all__ = [
    "IgnoreAbsentPersons",
    "LabelMap",
    "Normalize",
    "Pad",
    "PhotometricDistortion",
    "RandomCrop",
    "RandomScale",
    "typed",
]
