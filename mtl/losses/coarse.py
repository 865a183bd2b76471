"""Coarse labels: cross-entropy over a few classes of a label that is not one itself.

Brueggemann et al., Exploring Relational Context for Multi-Task Dense Prediction, ICCV 2021.
https://arxiv.org/abs/2104.13874
"""

import math
from abc import abstractmethod
from typing import Annotated

import torch
import torch.nn.functional as F
from annotated_types import Ge, Gt, Interval
from torch import Tensor

from mtl.losses.base import Loss, full_precision


class Coarse(Loss):
    """Cross-entropy over valid pixels between K logits and the class of the label.

    Args:
        weights: Weight of each class; None: 1. Shape [K].
    """

    weights: Tensor | None

    def __init__(self, weights: Tensor | None = None) -> None:
        super().__init__()
        self.register_buffer("weights", weights, persistent=False)

    @abstractmethod
    def classes(self, target: Tensor) -> Tensor:
        """Class numbers [B, H, W] of labels [B, C, H, W]; any number where they are not valid."""

    def forward(self, prediction: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
        """Loss of logits [B, K, H, W] against labels [B, C, H, W]."""
        valid = self.valid(target)
        logits = full_precision(prediction)
        weights = None if self.weights is None else self.weights.to(logits)
        total = F.cross_entropy(logits, self.classes(target), weights, reduction="none")  # [B, H, W]
        return torch.where(valid[:, 0], total, 0.0).sum(), valid.sum()


class EdgeClasses(Coarse):
    """Two classes with fixed weights: no edge, edge.

    Args:
        positive_weight: Weight w of edges, in (0, 1); other pixels weigh 1 - w.
    """

    def __init__(self, positive_weight: Annotated[float, Interval(gt=0, lt=1)]) -> None:
        super().__init__(torch.tensor([1 - positive_weight, positive_weight]))

    def classes(self, target: Tensor) -> Tensor:
        """0 or 1."""
        return (target[:, 0] == 1).long()


class DepthClasses(Coarse):
    """Classes of depth of equal width on a log scale; smaller and larger depths are in the first and the last.

    Args:
        channels: Number of classes.
        nearest: Depth at which the first class begins, in metres.
        farthest: Depth at which the last class ends, in metres.
    """

    fill = 0.0

    def __init__(
        self, channels: Annotated[int, Ge(2)], nearest: Annotated[float, Gt(0)], farthest: Annotated[float, Gt(0)]
    ) -> None:
        super().__init__()
        if farthest <= nearest:
            raise ValueError(f"farthest={farthest} must be above nearest={nearest}")
        self.channels, self.nearest, self.scale = channels, nearest, channels / math.log(farthest / nearest)

    def classes(self, target: Tensor) -> Tensor:
        """floor(K log(d / nearest) / log(farthest / nearest)), from 0 to K - 1."""
        found = self.scale * (target[:, 0].clamp(min=self.nearest) / self.nearest).log()
        return found.long().clamp(max=self.channels - 1)


class NormalClasses(Coarse):
    """The nearest of K directions of a half-sphere, for normals that all face the camera.

    The sign of z is ignored: datasets differ in whether it points towards the camera.

    Deviations from the paper: the directions are a Fibonacci lattice; the authors take the centres of clusters of the
    training normals.

    Args:
        channels: Number of directions.
    """

    fill = 0.0

    directions: Tensor

    def __init__(self, channels: Annotated[int, Ge(2)]) -> None:
        super().__init__()
        index = torch.arange(channels) + 0.5
        z, angle = index / channels, math.pi * (3 - math.sqrt(5)) * index
        radius = (1 - z.square()).sqrt()
        lattice = torch.stack([radius * angle.cos(), radius * angle.sin(), z], dim=1)  # [K, 3]
        self.register_buffer("directions", lattice, persistent=False)

    def classes(self, target: Tensor) -> Tensor:
        """Number of the direction with the largest inner product."""
        facing = torch.cat([target[:, :2], target[:, 2:].abs()], dim=1)
        return torch.einsum("kc,bchw->bkhw", self.directions.to(target), facing).argmax(1)
