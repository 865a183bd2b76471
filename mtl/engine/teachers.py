"""Frozen networks that a run learns from."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from torch import Tensor

from mtl.engine.checkpoint import load_checkpoint
from mtl.models.base import MultiTaskModel


class Teachers:
    """Trained single-task networks that show what features each task would have by itself.

    They stay as they are: no gradient reaches them, and their norms use running statistics whatever mode the student
    is in. A batch costs a forward pass through each of their encoders.

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
    """Gives single-task networks the weights of their best evaluation.

    Args:
        models: A network of one task for every task, in the order of the tasks.
        checkpoints: Checkpoint of each task's network.

    Raises:
        ValueError: A checkpoint is not given, is damaged, is of another network, or holds NaN.
    """
    for model in models:
        (name,) = model.task_names
        if name not in checkpoints:
            raise ValueError(f"no single-task network of {name} to learn from")
        try:
            model.load_state_dict(load_checkpoint(checkpoints[name])["model"])
        except (KeyError, RuntimeError, TypeError) as error:
            raise ValueError(f"{checkpoints[name]} is no single-task network of {name} like the ones here") from error
        broken = [key for key, value in model.state_dict().items() if not value.isfinite().all()]
        if broken:
            raise ValueError(f"{checkpoints[name]}: NaN or infinite numbers in {broken[0]}; train {name} again")
    return Teachers(models)
