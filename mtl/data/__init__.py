from mtl.data.base import DenseDataset
from mtl.data.loader import make_loader
from mtl.data.rooms import Rooms

__all__ = ["DenseDataset", "Rooms", "make_loader"]
