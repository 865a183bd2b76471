from mtl.models.base import MultiTaskModel, Outputs
from mtl.models.vanilla import Vanilla

__all__ = ["MultiTaskModel", "Outputs", "Vanilla"]
