"""Label types that several tasks share: maps of classes, of probabilities and of measurements."""

from mtl.tasks.families.classes import Classes
from mtl.tasks.families.probability import Probability
from mtl.tasks.families.scalar import Measure, Scalar

__all__ = ["Classes", "Measure", "Probability", "Scalar"]
