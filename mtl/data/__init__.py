from mtl.data.base import DenseDataset
from mtl.data.bsds500 import BSDS500
from mtl.data.camvid import CamVid
from mtl.data.corruption import LabelNoise, Sampling
from mtl.data.loader import make_loader
from mtl.data.nyud import NYUD
from mtl.data.pascal_context import PascalContext
from mtl.data.replica import Replica
from mtl.data.rooms import Rooms

__all__ = [
    "BSDS500",
    "NYUD",
    "CamVid",
    "DenseDataset",
    "LabelNoise",
    "PascalContext",
    "Replica",
    "Rooms",
    "Sampling",
    "make_loader",
]
