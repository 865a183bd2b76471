from mtl.models.atrc import ATRC
from mtl.models.base import MultiTaskModel, Outputs
from mtl.models.invpt import InvPT
from mtl.models.mtan import MTAN
from mtl.models.mti_net import MTINet
from mtl.models.pad_net import PADNet
from mtl.models.vanilla import Vanilla

__all__ = ["ATRC", "MTAN", "InvPT", "MTINet", "MultiTaskModel", "Outputs", "PADNet", "Vanilla"]
