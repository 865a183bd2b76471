"""The contract of a multi-task network: a shared encoder, then everything that belongs to tasks."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import NamedTuple

from torch import Tensor, nn

from mtl.backbones import Backbone
from mtl.task import Task


class Outputs(NamedTuple):
    """Predictions by task name, each [B, C_t, H, W] at the size of the image."""

    final: dict[str, Tensor]  # what the network is judged by
    auxiliary: Sequence[dict[str, Tensor]] = ()  # earlier predictions it is taught by as well


class MultiTaskModel(nn.Module, ABC):
    """A network that predicts T tasks from one image.

    `encode` ends where the gradient engine cuts the graph; `decode` takes one copy of the feature maps per task,
    so that the engine can tell whose gradient is whose.

    Args:
        tasks: The tasks, in their order.
        backbone: The shared encoder.
    """

    def __init__(self, tasks: Sequence[Task], backbone: Backbone) -> None:
        super().__init__()
        self.task_names = tuple(task.name for task in tasks)
        self.backbone = backbone

    def encode(self, image: Tensor) -> list[Tensor]:
        """Shared feature maps of an image [B, 3, H, W]."""
        self.backbone.check_size(image)
        return self.backbone(image)

    @abstractmethod
    def decode(self, features: Sequence[Sequence[Tensor]], size: tuple[int, int]) -> Outputs:
        """Predictions of all tasks.

        Args:
            features: For every task, in order, its own view of the shared maps.
            size: Height and width of the predictions.
        """

    def forward(self, image: Tensor) -> Outputs:
        """Predictions of all tasks for an image [B, 3, H, W], at its size."""
        maps = self.encode(image)
        return self.decode([maps] * len(self.task_names), tuple(image.shape[-2:]))

    @property
    def last_layer(self) -> nn.Parameter:
        """Weight of the last shared layer."""
        return self.backbone.last_layer

    def shared_parameters(self) -> list[nn.Parameter]:
        """Parameters of the shared network, before the cut and behind it."""
        return list(self.backbone.parameters())

    @abstractmethod
    def task_parameters(self, name: str) -> list[nn.Parameter]:
        """Parameters that belong to one task; with shared and joint ones they cover the network exactly once."""

    def joint_parameters(self) -> list[nn.Parameter]:
        """Parameters of a decoder in which tasks meet: behind the cut, of no single task, and no part of the encoder.

        The engine updates them with sum_t w_t g_t, w being the weights of the tasks.
        """
        return []
