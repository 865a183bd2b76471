"""Frozen networks that serve as teachers of a run: single-task networks, and foundation models."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mtl.models.base import MultiTaskModel
from mtl.run.checkpoint import load_weights


class Teachers:
    """Trained single-task networks that provide the features each task has when it is trained alone.

    They are frozen: they get no gradients, and their norms always use running statistics, in both modes of the
    student. A batch costs one forward pass through each of their encoders.

    Args:
        models: The network of every task, in the order of the tasks.
    """

    def __init__(self, models: Sequence[MultiTaskModel]) -> None:
        self.models = [model.eval().requires_grad_(False) for model in models]

    @property
    def channels(self) -> list[int]:
        """Channels of each feature map."""
        return self.models[0].backbone.channels

    @torch.no_grad()
    def features(self, image: Tensor) -> list[list[Tensor]]:
        """For every task, the feature maps of its network for an image [B, 3, H, W]."""
        return [model.encode(image) for model in self.models]


class FoundationModels:
    """Pretrained encoders that provide features of their own; frozen as `Teachers`.

    They see the images of the student in the mean and deviation of their own training, at the nearest size that their
    patches allow. A batch costs one forward pass through each of them.

    Args:
        models: The encoders, by name.
        mean: Of the student's images. Shape [3].
        std: Deviation of the student's images. Shape [3].
        own: Mean and deviation that each encoder expects, in the order of the encoders. Shape [3] each.
    """

    def __init__(
        self,
        models: Mapping[str, nn.Module],
        mean: Sequence[float],
        std: Sequence[float],
        own: Sequence[tuple[Sequence[float], Sequence[float]]],
    ) -> None:
        self.names = list(models)
        self.models: list[Any] = [model.eval().requires_grad_(False) for model in models.values()]
        given = [torch.tensor(numbers) for numbers in (mean, std)]
        self.maps = [(given[1] / torch.tensor(s), (given[0] - torch.tensor(m)) / torch.tensor(s)) for m, s in own]

    @property
    def channels(self) -> list[list[int]]:
        """Channels of each feature map of each encoder."""
        return [model.channels for model in self.models]

    @torch.no_grad()
    def features(self, image: Tensor) -> list[list[Tensor]]:
        """For every encoder, its feature maps of an image [B, 3, H, W] of the student."""
        found = []
        for model, numbers in zip(self.models, self.maps, strict=True):
            factor, shift = (number.to(image)[:, None, None] for number in numbers)
            own, size = image * factor + shift, model.nearest_size(*image.shape[-2:])
            if size != tuple(image.shape[-2:]):
                own = F.interpolate(own, size, mode="bilinear", align_corners=False)
            found.append(model(own))
        return found


def load_singles(models: Sequence[MultiTaskModel], checkpoints: Mapping[str, Path]) -> None:
    """Loads the weights of the best evaluation into single-task networks.

    Args:
        models: A network of one task for every task, in the order of the tasks.
        checkpoints: Checkpoint of each task's network.

    Raises:
        ValueError: A checkpoint is missing or corrupt, belongs to a different network, or contains NaN.
    """
    for model in models:
        (name,) = model.task_names
        if name not in checkpoints:
            raise ValueError(f"there is no single-task network of {name}: train it first")
        misfit = f"is not a single-task network of {name} with this architecture: train {name} again"
        load_weights(model, checkpoints[name], misfit)
