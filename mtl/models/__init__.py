from mtl.models.atrc import ATRC
from mtl.models.base import MultiTaskModel, Outputs
from mtl.models.branched import Branched
from mtl.models.cross_stitch import CrossStitch
from mtl.models.invpt import InvPT
from mtl.models.mtan import MTAN
from mtl.models.mti_net import MTINet
from mtl.models.nddr import NDDR
from mtl.models.pad_net import PADNet
from mtl.models.sak import SAK
from mtl.models.task_prompter import TaskPrompter
from mtl.models.vanilla import Vanilla

__all__ = [
    "ATRC",
    "MTAN",
    "NDDR",
    "SAK",
    "Branched",
    "CrossStitch",
    "InvPT",
    "MTINet",
    "MultiTaskModel",
    "Outputs",
    "PADNet",
    "TaskPrompter",
    "Vanilla",
]
