from mtl.losses.balanced_bce import BalancedBCE
from mtl.losses.base import Loss
from mtl.losses.coarse import DepthClasses, EdgeClasses, NormalClasses
from mtl.losses.cross_entropy import BalancedCrossEntropy, CrossEntropy
from mtl.losses.feature_alignment import FeatureAlignment
from mtl.losses.feature_distillation import FeatureDistillation
from mtl.losses.masked_l1 import MaskedL1
from mtl.losses.normals_l1 import NormalsL1
from mtl.losses.total import TotalLoss

__all__ = [
    "BalancedBCE",
    "BalancedCrossEntropy",
    "CrossEntropy",
    "DepthClasses",
    "EdgeClasses",
    "FeatureAlignment",
    "FeatureDistillation",
    "Loss",
    "MaskedL1",
    "NormalClasses",
    "NormalsL1",
    "TotalLoss",
]
