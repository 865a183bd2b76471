from mtl.weighters.aligned_mtl import AlignedMTL
from mtl.weighters.auto_lambda import AutoLambda
from mtl.weighters.avgnorm import AvgNorm
from mtl.weighters.base import Needs, RandomWeighter, Scope, Update, Weighter
from mtl.weighters.cagrad import CAGrad
from mtl.weighters.db_mtl import DBMTL
from mtl.weighters.dtp import DTP
from mtl.weighters.dwa import DWA
from mtl.weighters.fairgrad import FairGrad
from mtl.weighters.famo import FAMO
from mtl.weighters.fixed import Fixed
from mtl.weighters.graddrop import GradDrop
from mtl.weighters.gradnorm import GradNorm
from mtl.weighters.gradvac import GradVac
from mtl.weighters.imgrad import IMGrad
from mtl.weighters.imtl_g import IMTLG
from mtl.weighters.imtl_l import IMTLL
from mtl.weighters.inverse_norm import InverseNorm
from mtl.weighters.mgda import MGDA
from mtl.weighters.nashmtl import NashMTL
from mtl.weighters.ngdiff import NGDiff
from mtl.weighters.pcgrad import PCGrad
from mtl.weighters.rlw import RLW
from mtl.weighters.rotograd import RotoGrad
from mtl.weighters.slaw import SLAW
from mtl.weighters.torchjd import TorchJD
from mtl.weighters.uniform import Uniform
from mtl.weighters.uw import UW
from mtl.weighters.uwo import UWO
from mtl.weighters.uwso import UWSO

__all__ = [
    "DBMTL",
    "DTP",
    "DWA",
    "FAMO",
    "IMTLG",
    "IMTLL",
    "MGDA",
    "RLW",
    "SLAW",
    "UW",
    "UWO",
    "UWSO",
    "AlignedMTL",
    "AutoLambda",
    "AvgNorm",
    "CAGrad",
    "FairGrad",
    "Fixed",
    "GradDrop",
    "GradNorm",
    "GradVac",
    "IMGrad",
    "InverseNorm",
    "NGDiff",
    "NashMTL",
    "Needs",
    "PCGrad",
    "RandomWeighter",
    "RotoGrad",
    "Scope",
    "TorchJD",
    "Uniform",
    "Update",
    "Weighter",
]
