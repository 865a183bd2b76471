"""Networks with an encoder per task, between whose stages the tasks exchange features."""

from abc import abstractmethod
from collections.abc import Callable, Sequence
from copy import deepcopy
from typing import Any, cast

import torch
from torch import Tensor, nn

from mtl.backbones import Backbone, Image, Stages
from mtl.models.base import MultiTaskModel, Outputs
from mtl.task import Task


class Streams(MultiTaskModel):
    """T encoders and T heads, with units that mix the features of all tasks.

    - Shared parameters: all encoders and all units that every task reaches. They are behind the cut, which is at the
      image: there is no common encoder, so task gradients exist at scope `shared` only. Taking them costs T backward
      passes through T encoders; methods that weight losses need one.
    - Last shared layer: none.
    - Task parameters: the head, and units that only one task reaches.

    Args:
        tasks: The tasks, in their order.
        backbone: A residual network of four stages; every task gets a copy of it.
        head: Builds a head from `in_channels`, `out_channels` and `bias`; a head maps (features, size) to a
            prediction.
        word: Name of the model on the command line.
        lr_factor: Learning rate of the units, as a multiple of the recipe's.
    """

    def __init__(
        self,
        tasks: Sequence[Task],
        backbone: Backbone,
        head: Callable[..., nn.Module],
        word: str,
        lr_factor: float,
    ) -> None:
        super().__init__(tasks, Image(backbone.multiple))
        stages = Stages(backbone, word)
        self.lr_factor = lr_factor
        self.encoders, self.heads = nn.ModuleDict(), nn.ModuleDict()
        for task in tasks:
            self.encoders[task.name] = deepcopy(stages.parts)
            self.heads[task.name] = head(in_channels=stages.widths[-1:], out_channels=task.channels, bias=task.bias)
        self.units = self.build_units(stages.widths)

    def start_from(self, networks: Sequence[MultiTaskModel]) -> None:
        """Takes the encoders and heads of trained vanilla networks, one for each task in order."""
        for name, network in zip(self.task_names, networks, strict=True):
            parts = Stages(network.backbone, "vanilla").parts
            self.encoders[name].load_state_dict(parts.state_dict())
            self.heads[name].load_state_dict(cast("Any", network).heads[name].state_dict())

    @abstractmethod
    def build_units(self, widths: Sequence[int]) -> nn.ModuleDict:
        """Units by place, "0" behind the stem to "4" behind the last stage; a place may have none.

        A unit maps a list of T maps [B, C, H, W] to another one.

        Args:
            widths: Channels of the maps at the five places.
        """

    def decode(self, features: Sequence[Sequence[Tensor]], size: tuple[int, int]) -> Outputs:
        """Predictions of all tasks."""
        maps = [image for (image,) in features]
        for place in range(5):
            maps = [encoder[place](x) for encoder, x in zip(self._encoders(), maps, strict=True)]
            if str(place) in self.units:
                maps = self.units[str(place)](maps)
        heads = zip(self.heads.items(), maps, strict=True)
        return Outputs(final={name: head([x], size) for (name, head), x in heads})

    def regions(self) -> list[nn.Module]:
        """Modules to compile one by one: the stages of all encoders, and the heads."""
        return [*(stage for encoder in self._encoders() for stage in encoder), *self.heads.values()]

    def _encoders(self) -> list[nn.ModuleList]:
        """Stem and stages of every task's encoder."""
        return cast("list[nn.ModuleList]", list(self.encoders.values()))

    def parameter_groups(self) -> list[dict[str, Any]]:
        """All but the units, and the units with their learning rate."""
        units = set(self.units.parameters())
        rest = [parameter for parameter in self.parameters() if parameter not in units]
        return [
            {"params": rest, "lr_factor": 1.0},
            {"params": list(self.units.parameters()), "lr_factor": self.lr_factor},
        ]

    def shared_parameters(self) -> list[nn.Parameter]:
        """Parameters of all encoders and units."""
        return [*self.encoders.parameters(), *self.units.parameters()]

    def task_parameters(self, name: str) -> list[nn.Parameter]:
        """Parameters of the task's head."""
        return list(self.heads[name].parameters())


def shares(num_tasks: int, own: float) -> Tensor:
    """Initial shares [T, T] of every task's features in those of a task: `own` of its own, the others the rest."""
    if num_tasks == 1:
        return torch.ones(1, 1)
    others = (1 - own) / (num_tasks - 1)
    return torch.full((num_tasks, num_tasks), others).fill_diagonal_(own)
