from mtl.data.corruption.noise import LabelNoise
from mtl.data.corruption.sampling import Sampling

__all__ = ["LabelNoise", "Sampling"]
