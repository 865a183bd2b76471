"""Imbalance optimisation in multi-task dense prediction.

`cut`, `backward` and the classes of `mtl.weighters` work in any training loop, without Hydra and without our trainer.
"""

from mtl.engine.accumulation import Accumulation
from mtl.engine.backward import backward
from mtl.engine.cut import Features, cut
from mtl.engine.decision import Gradients
from mtl.weighters.base import Needs, Scope, Update, Weighter

__all__ = ["Accumulation", "Features", "Gradients", "Needs", "Scope", "Update", "Weighter", "backward", "cut"]
