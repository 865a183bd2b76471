"""Frozen single-task networks that serve as teachers of a run."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from torch import Tensor

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


def load_teachers(models: Sequence[MultiTaskModel], checkpoints: Mapping[str, Path]) -> Teachers:
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
            raise ValueError(f"there is no single-task network of {name} to learn from: train it first")
        misfit = f"is not a single-task network of {name} with this architecture: train {name} again"
        load_weights(model, checkpoints[name], misfit)
    return Teachers(models)
