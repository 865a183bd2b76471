from mtl.weighters.avgnorm import AvgNorm
from mtl.weighters.base import Needs, RandomWeighter, Scope, Update, Weighter
from mtl.weighters.fixed import Fixed
from mtl.weighters.uniform import Uniform

__all__ = ["AvgNorm", "Fixed", "Needs", "RandomWeighter", "Scope", "Uniform", "Update", "Weighter"]
