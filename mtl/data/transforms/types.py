"""Tensor type by which torchvision's v2 transforms recognise a label; it carries the label's `mtl.tasks.Label`."""

from functools import cache
from typing import ClassVar

from torch import Tensor
from torchvision import tv_tensors
from torchvision.transforms.v2 import functional as F

from mtl.tasks import Label, find


class LabelMap(tv_tensors.Mask):
    """A map of labels. Shape [C, H, W].

    It is transformed like a mask: geometric transforms use the nearest pixel, because labels cannot be averaged. Each
    label has its own subclass, so that it is preserved by all torchvision operations on the tensor.
    """

    label: ClassVar[Label]


@cache
def type_of(label: Label) -> type[LabelMap]:
    """The type of the maps of a label."""
    return type(f"{type(label).__name__}Map", (LabelMap,), {"label": label})


def typed(name: str, values: Tensor) -> LabelMap:
    """A map with the type of its label.

    Args:
        name: Name of the label.
        values: The map. Shape [C, H, W].

    Raises:
        ValueError: No label has the name.
    """
    return values.as_subclass(type_of(find(name)))


@F.register_kernel(F.horizontal_flip, LabelMap)
def flip(values: LabelMap) -> LabelMap:
    """Flip the map left to right, and change the sign of the channels that a flip negates.

    Args:
        values: The map. Shape [C, H, W].
    """
    flipped = values.as_subclass(Tensor).flip(-1)
    for channel in values.label.mirrored:
        flipped[channel].neg_()
    return flipped.as_subclass(type(values))
