"""Distils frozen foundation models into the features that all tasks share.

Ranzinger, Heinrich, Kautz, Molchanov, AM-RADIO: Agglomerative Vision Foundation Model Reduce All Domains Into One,
CVPR 2024. https://arxiv.org/abs/2312.06709
Lu, Cao, Wang, Swiss Army Knife: Synergizing Biases in Knowledge from Vision Foundation Models for Multi-Task Learning,
ICLR 2025. https://arxiv.org/abs/2410.14633
"""

from collections.abc import Iterable, Sequence
from typing import Annotated, Literal, Protocol, cast

import torch
import torch.nn.functional as F
from annotated_types import Ge, Gt, Interval
from torch import Tensor, nn

from mtl.losses.adaptors import Adaptors
from mtl.losses.base import full_precision
from mtl.losses.feature_alignment import Maps, direction


class FoundationModels(Protocol):
    """Frozen foundation models, by name."""

    names: Sequence[str]
    channels: Sequence[Sequence[int]]  # of each model's maps

    def features(self, image: Tensor) -> Sequence[Maps]:
        """The feature maps of each model."""
        ...


class FeatureDistillation(Adaptors):
    """Distils frozen foundation models: an adaptor for each of them must map the shared features to its own.

    With f the student's maps, g_k those of teacher k, and a_k its adaptor,

        D_k = mean over images of  share (1 - cos(a_k(f), g_k)) + (1 - share) SmoothL1(a_k(f), g_k)

    summed over the maps. The objective is weight * sum_k D_k. It belongs to no task: its gradient reaches the shared
    parameters with factor 1 under any weighter, and is not part of losses, Gramians and statistics. The
    adaptors are trained by their own Adam, whose learning rate decays as half a cosine, and are not part of the
    resulting network.

    Maps are paired from the last one backwards. Of two maps of different size, the smaller one is resized to the
    larger, bilinearly.

    Args:
        channels: Channels of each of the student's maps.
        paths: For each teacher, the student's maps that are compared with its last ones.
        teachers: The frozen models.
        steps: Length of the run in optimizer steps.
        weight: Of the objective.
        share: Of the cosine; SmoothL1 has the rest.
        cosine: Of the features at each `place`, as AM-RADIO, or of the whole `map` of an image, as SAK.
        adaptor: `mlp` (linear layer, LayerNorm, GELU, linear layer; as wide as the teacher), as AM-RADIO, or `linear`,
            which is left out where student and teacher are of one width, as SAK.
        lr: Initial learning rate of the adaptors.
        weight_decay: Weight decay of the adaptors.

    Raises:
        ValueError: A teacher has fewer maps than are compared with it, or `steps`, `lr` or `weight_decay` is out of
            range.

    Deviations from the papers:

    - AM-RADIO trains its student for this alone, on images without labels, and also compares summary (class) tokens.
      The width of the adaptors and their training are ours.
    - SAK trains its adaptors with the network.
    - Teachers see the images of the student, in their own mean and deviation, at the nearest size that their patches
      allow. SAK leaves mean and deviation as they are, and enlarges images for SAM to 1024 pixels.
    - Features that are zero everywhere have no direction: the cosine is 0 there, without a gradient.
    """

    def __init__(
        self,
        *,
        channels: Sequence[int],
        paths: Sequence[Sequence[int]],
        teachers: FoundationModels,
        steps: int,
        weight: Annotated[float, Ge(0)],
        share: Annotated[float, Interval(ge=0, le=1)],
        cosine: Literal["place", "map"],
        adaptor: Literal["mlp", "linear"],
        lr: Annotated[float, Gt(0)],
        weight_decay: Annotated[float, Ge(0)],
    ) -> None:
        super().__init__()
        self.paths, self.teachers, self.weight, self.share = paths, teachers, weight, share
        self.cosine: Literal["place", "map"] = cosine
        self.adaptors = nn.ModuleList()
        for name, path, theirs in zip(teachers.names, paths, teachers.channels, strict=True):
            if len(theirs) < len(path):
                raise ValueError(f"teacher {name} has {len(theirs)} maps, and {len(path)} are compared: use another")
            pairs = zip([channels[place] for place in path], theirs[-len(path) :], strict=True)
            self.adaptors.append(nn.ModuleList(adaptor_of(adaptor, *pair) for pair in pairs))
        self.learn(steps=steps, lr=lr, weight_decay=weight_decay)
        self.distances: Tensor | None = None  # [K] D_k of the last images

    def forward(self, maps: Maps, image: Tensor) -> Tensor:
        """The objective, a scalar in float32 or better.

        Args:
            maps: The student's feature maps of the image.
            image: As the student sees it. Shape [B, 3, H, W].
        """
        found = []
        adaptors = cast("Iterable[nn.ModuleList]", self.adaptors)
        for layers, path, theirs in zip(adaptors, self.paths, self.teachers.features(image), strict=True):
            own = [layer(full_precision(maps[place])) for layer, place in zip(layers, path, strict=True)]
            pairs = zip(own, theirs[-len(path) :], strict=True)
            found.append(torch.stack([difference(*pair, self.share, self.cosine) for pair in pairs]).sum())
        distances = torch.stack(found)  # [K]
        self.distances = distances.detach()
        return self.weight * distances.sum()


class Tokens(nn.Sequential):
    """Layers that act on channels, applied to maps [B, C, H, W]."""

    def forward(self, input: Tensor) -> Tensor:
        """Maps with the channels of the last layer."""
        return super().forward(input.movedim(1, -1)).movedim(-1, 1)


def adaptor_of(kind: Literal["mlp", "linear"], own: int, theirs: int) -> nn.Module:
    """An adaptor from the student's channels to those of a teacher."""
    if kind == "mlp":
        return Tokens(nn.Linear(own, theirs), nn.LayerNorm(theirs), nn.GELU(), nn.Linear(theirs, theirs))
    return nn.Identity() if own == theirs else Tokens(nn.Linear(own, theirs))


def difference(student: Tensor, teacher: Tensor, share: float, cosine: Literal["place", "map"]) -> Tensor:
    """Difference of two maps, share (1 - cos) + (1 - share) SmoothL1, a scalar.

    Args:
        student: Adapted map. Shape [B, C, h, w].
        teacher: Map to compare it with. Shape [B, C, H, W].
        share: Of the cosine.
        cosine: As for `FeatureDistillation`.
    """
    student, teacher = full_precision(student), full_precision(teacher)
    size = [max(sides) for sides in zip(student.shape[-2:], teacher.shape[-2:], strict=True)]
    student, teacher = resized(student, size), resized(teacher, size)
    smooth = F.smooth_l1_loss(student, teacher)
    if cosine == "map":
        student, teacher = student.flatten(1), teacher.flatten(1)  # [B, C H W]
    alike = (direction(student) * direction(teacher)).sum(dim=1).mean()
    return share * (1 - alike) + (1 - share) * smooth


def resized(maps: Tensor, size: Sequence[int]) -> Tensor:
    """The maps [B, C, H, W] at another size, bilinearly."""
    if list(maps.shape[-2:]) == list(size):
        return maps
    return F.interpolate(maps, tuple(size), mode="bilinear", align_corners=False)
