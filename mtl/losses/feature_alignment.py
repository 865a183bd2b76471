"""URL: aligns the shared features with those of single-task networks.

Li, Liu, Bilen, Universal Representations: A Unified Look at Multiple Task and Domain Learning, IJCV 2023.
https://arxiv.org/abs/2204.02744; adaptors and distance as in the authors' code for dense prediction.
"""

import math
from collections.abc import Iterable, Sequence
from functools import reduce
from typing import Annotated, Protocol, cast

import torch
import torch.nn.functional as F
from annotated_types import Ge, Gt
from torch import Tensor, nn

from mtl.losses.adaptors import Adaptors
from mtl.losses.base import full_precision

ZERO = 1e-12  # a feature vector no longer than this has no direction

Maps = Sequence[Tensor]  # an encoder's feature maps, [B, C, H, W] each


class Teachers(Protocol):
    """Frozen single-task networks, one per task."""

    channels: Sequence[int]  # of each map

    def features(self, image: Tensor) -> Sequence[Maps]:
        """The feature maps of each task's network."""
        ...


class FeatureAlignment(Adaptors):
    """Distils single-task networks: a linear adaptor per task must map the shared features to those of its network.

    With f the student's map, g_t that of the frozen single-task network (the teacher) of task t, and a_t an
    adaptor, which is a 1x1 convolution without bias,

        D_t = mean over images and pixels of sum_c (a_t(f)_c / |a_t(f)| - g_tc / |g_t|)^2

    summed over the maps; the loss of task t is L_t + lambda_t D_t. With uniform weights the total is
    sum_t L_t + sum_t lambda_t D_t. The adaptors are trained by their own Adam, whose learning rate decays as half a
    cosine, and are not part of the resulting network.

    Maps are paired from the last one backwards, as long as student and teachers both have one. A student's map of
    another size is resized to the teacher's, bilinearly.

    Args:
        weights: The lambda_t, in task order. Shape [T].
        channels: Channels of each of the student's maps.
        teachers: The frozen networks.
        steps: Length of the run in optimizer steps.
        lr: Initial learning rate of the adaptors.
        weight_decay: Weight decay of the adaptors.

    Raises:
        ValueError: A weight is negative or not finite, or `steps`, `lr` or `weight_decay` is out of range.

    Deviations from the paper:

    - The teachers' BatchNorm uses its running statistics; the authors' code leaves the teachers in training mode.
    - Maps are compared pair by pair; there, the bottleneck and the output of a SegNet are both compared with the
      teacher's output.
    - The cosine decays per step; there, per epoch.
    - A task without labels in a batch is not aligned in that batch either.
    - Where the adapted features of a pixel are zero they have no direction: the pixel's distance is 1 and it gets no
      gradient, where the formula would divide by 1e-12.
    """

    def __init__(
        self,
        *,
        weights: Sequence[Annotated[float, Ge(0)]],
        channels: Sequence[int],
        teachers: Teachers,
        steps: int,
        lr: Annotated[float, Gt(0)],
        weight_decay: Annotated[float, Ge(0)],
    ) -> None:
        super().__init__()
        if not all(0 <= weight < math.inf for weight in weights):
            raise ValueError(f"weights must be finite and not negative, got {list(weights)}")
        self.weights, self.teachers = list(weights), teachers
        self.levels = min(len(channels), len(teachers.channels))
        pairs = list(zip(channels[-self.levels :], teachers.channels[-self.levels :], strict=True))
        self.adaptors = nn.ModuleList(
            nn.ModuleList(nn.Conv2d(own, theirs, 1, bias=False) for own, theirs in pairs) for _ in self.weights
        )
        for weight in self.parameters():
            nn.init.xavier_normal_(weight)
        self.learn(steps=steps, lr=lr, weight_decay=weight_decay)

    def forward(self, features: Sequence[Maps], teacher_features: Sequence[Maps]) -> list[Tensor]:
        """T scalars D_t, float32 or better.

        Args:
            features: For each task, its own copy of the student's maps, as returned by `mtl.cut`.
            teacher_features: For each task, the maps of its teacher for the same images.
        """
        triples = zip(cast("Iterable[nn.ModuleList]", self.adaptors), features, teacher_features, strict=True)
        return [self._distance(*triple) for triple in triples]

    def _distance(self, adaptors: nn.ModuleList, maps: Maps, taught: Maps) -> Tensor:
        """Distance of one task, summed over the maps."""
        triples = zip(adaptors, maps[-self.levels :], taught[-self.levels :], strict=True)
        return reduce(torch.add, (distance(adaptor(full_precision(own)), theirs) for adaptor, own, theirs in triples))

    def added(self, losses: Sequence[Tensor], features: Sequence[Maps], image: Tensor) -> list[Tensor]:
        """T scalars L_t + lambda_t D_t, from the losses L_t and the student's features of an image [B, 3, H, W]."""
        distances = self(features, self.teachers.features(image))
        return [loss + w * d for loss, w, d in zip(losses, self.weights, distances, strict=True)]

    def observe(self, features: Sequence[Maps], image: Tensor) -> Tensor:
        """The T distances D_t; trains the adaptors for one step without affecting the student.

        Args:
            features: As for `forward`.
            image: The images of the features. Shape [B, 3, H, W].

        Returns:
            The distances before the step, detached. Shape [T].
        """
        untouched = [[own.detach() for own in maps] for maps in features]
        distances = torch.stack(self(untouched, self.teachers.features(image)))  # [T]
        if torch.isfinite(distances).all():  # otherwise the model's step is skipped too
            self.zero_grad()
            distances.sum().backward()
            self.after_step()
        return distances.detach()


def distance(student: Tensor, teacher: Tensor) -> Tensor:
    """Mean squared distance between the feature directions of two maps, from 0 (equal) to 4 (opposite).

    Args:
        student: Adapted map. Shape [B, C, h, w].
        teacher: Map to compare it with. Shape [B, C, H, W].
    """
    student, teacher = full_precision(student), full_precision(teacher)
    if student.shape[-2:] != teacher.shape[-2:]:
        student = F.interpolate(student, teacher.shape[-2:], mode="bilinear", align_corners=False)
    return (direction(student) - direction(teacher)).square().sum(dim=1).mean()


def direction(maps: Tensor) -> Tensor:
    """Features scaled to unit length at every pixel, zero where they have no direction. Shape [B, C, H, W]."""
    length = torch.linalg.vector_norm(maps, dim=1, keepdim=True)  # [B, 1, H, W]
    none = length <= ZERO
    return (maps / length.masked_fill(none, 1.0)).masked_fill(none, 0.0)
