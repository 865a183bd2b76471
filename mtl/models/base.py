"""Base class of multi-task networks: a shared encoder followed by a decoder for the tasks."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from mtl.backbones import Backbone
from mtl.task import Task


class Outputs(NamedTuple):
    """Predictions by task name, each [B, C_t, H, W] at the size of the image."""

    final: dict[str, Tensor]  # used by the metrics and the loss
    auxiliary: Sequence[dict[str, Tensor]] = ()  # earlier predictions, used by the loss only
    coarse: Mapping[str, Tensor] = {}  # logits of coarse labels, K_t channels; their loss is `Task.coarse`


class MultiTaskModel(nn.Module, ABC):
    """A network that predicts T tasks from one image.

    The gradient engine cuts the graph after `encode`. `decode` takes one copy of the feature maps per task, so that
    the engine can separate the gradients of the tasks.

    Attributes:
        layout: Order of the image in memory. Convolutions keep it, and it does not affect transformers.

    Args:
        tasks: The tasks, in their order.
        backbone: The shared encoder.
    """

    layout: torch.memory_format = torch.contiguous_format

    def __init__(self, tasks: Sequence[Task], backbone: Backbone) -> None:
        super().__init__()
        self.task_names = tuple(task.name for task in tasks)
        self.backbone = backbone
        self.rotation: nn.Module | None = None  # of each task's copy of the maps (RotoGrad)

    def encode(self, image: Tensor) -> list[Tensor]:
        """Shared feature maps of an image [B, 3, H, W]."""
        self.backbone.check_size(image)
        return self.backbone(image.contiguous(memory_format=self.layout))

    @abstractmethod
    def decode(self, features: Sequence[Sequence[Tensor]], size: tuple[int, int]) -> Outputs:
        """Predictions of all tasks.

        Args:
            features: For each task, in order, its own copy of the shared maps.
            size: Height and width of the predictions.
        """

    def forward(self, image: Tensor) -> Outputs:
        """Predictions of all tasks for an image [B, 3, H, W], at its size."""
        maps = self.encode(image)
        return self.predict([maps] * len(self.task_names), (image.shape[-2], image.shape[-1]))

    def predict(self, features: Sequence[Sequence[Tensor]], size: tuple[int, int]) -> Outputs:
        """As `decode`, after the rotations if there are any."""
        return self.decode(features if self.rotation is None else self.rotation(features), size)

    def paths(self, teachers: int) -> list[list[int]]:
        """For each of so many foundation models, which of the maps are trained towards its own: here the last one.

        Raises:
            ValueError: The network is made for another number.
        """
        return [[-1]] * teachers

    def start_from(self, networks: "Sequence[MultiTaskModel]") -> None:
        """Takes the weights of trained vanilla networks, one for each task in order.

        Raises:
            ValueError: The network has no encoder for each task.
        """
        raise ValueError(f"model.init: {type(self).__name__} does not start from single-task networks: remove the key")

    @property
    def last_layer(self) -> nn.Parameter | None:
        """Weight of the last shared layer; None if tasks share no encoder, so that all is behind the cut."""
        return self.backbone.last_layer

    @property
    def device(self) -> torch.device:
        """Where the parameters live."""
        return next(self.parameters()).device

    def parameter_groups(self) -> list[dict[str, Any]]:
        """Parameters as groups of the optimizer, each with the keys `params` and `lr_factor`, of the learning rate."""
        return [{"params": list(self.parameters()), "lr_factor": 1.0}]

    def regions(self) -> list[nn.Module]:
        """Modules to compile one by one: those of the encoder, and those behind the cut that compute for one task.

        A region that computes for several tasks would make each of its parameters depend on all of their losses.
        """
        return self.backbone.regions()

    def shared_parameters(self) -> list[nn.Parameter]:
        """Parameters shared by all tasks, before and after the cut."""
        return list(self.backbone.parameters())

    @abstractmethod
    def task_parameters(self, name: str) -> list[nn.Parameter]:
        """Parameters of one task. Shared, joint and task parameters together cover the network exactly once."""

    def joint_parameters(self) -> list[nn.Parameter]:
        """Decoder parameters, after the cut, that belong to no single task.

        The engine updates them with sum_t w_t g_t, where w are the task weights.
        """
        return []
