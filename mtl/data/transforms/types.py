"""The type that tells torchvision's v2 transforms how a label behaves: it carries the label's `mtl.tasks.Label`."""

from functools import cache
from typing import ClassVar

import torch
from torch import Tensor
from torchvision import tv_tensors
from torchvision.transforms.v2 import functional as F

from mtl.tasks import Label, find


class LabelMap(tv_tensors.Mask):
    """A map of labels. Shape [C, H, W].

    It moves like a mask: geometric transforms take the nearest pixel, because a mean of two labels is none. Each label
    has a subclass of its own, so that the label survives whatever torchvision does to the tensor.
    """

    label: ClassVar[Label]


@cache
def type_of(label: Label) -> type[LabelMap]:
    """The type of the maps of a label."""
    return type(f"{type(label).__name__}Map", (LabelMap,), {"label": label})


def typed(name: str, values: Tensor) -> LabelMap:
    """A map with the type of its label.

    Args:
        name: Of the label.
        values: The map. Shape [C, H, W].

    Raises:
        ValueError: No label has the name.
    """
    return type_of(find(name))(values)


@F.register_kernel(F.horizontal_flip, LabelMap)
def flip(values: LabelMap) -> LabelMap:
    """Mirror the map left to right, and change the sign of the channels that a mirror image changes.

    Args:
        values: The map. Shape [C, H, W].
    """
    flipped, mirrored = values.as_subclass(Tensor).flip(-1), values.label.mirrored
    if mirrored:
        signs = torch.tensor([-1.0 if channel in mirrored else 1.0 for channel in range(len(flipped))])
        flipped = flipped * signs.view(-1, 1, 1)
    return type(values)(flipped)
