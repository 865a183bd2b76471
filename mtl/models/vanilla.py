"""The plain multi-task network: one shared encoder, one head per task."""

from collections.abc import Callable, Sequence

from torch import Tensor, nn

from mtl.backbones import Backbone
from mtl.models.base import MultiTaskModel, Outputs
from mtl.task import Task


class Vanilla(MultiTaskModel):
    """Shares the whole encoder and nothing else; with a single task it is the single-task network.

    Args:
        tasks: The tasks, in their order.
        backbone: The shared encoder.
        head: Builds a head from `in_channels`, `out_channels` and `bias`; a head maps (features, size) to a
            prediction.
    """

    def __init__(self, tasks: Sequence[Task], backbone: Backbone, head: Callable[..., nn.Module]) -> None:
        super().__init__(tasks, backbone)
        self.heads = nn.ModuleDict(
            {
                task.name: head(in_channels=backbone.channels, out_channels=task.channels, bias=task.bias)
                for task in tasks
            }
        )

    def decode(self, features: Sequence[Sequence[Tensor]], size: tuple[int, int]) -> Outputs:
        """Predictions of all heads, each from its own task's maps."""
        pairs = zip(self.heads.items(), features, strict=True)
        return Outputs(final={name: head(maps, size) for (name, head), maps in pairs})

    def regions(self) -> list[nn.Module]:
        """Modules to compile one by one: those of the encoder, and the heads."""
        return [*super().regions(), *self.heads.values()]

    def task_parameters(self, name: str) -> list[nn.Parameter]:
        """Parameters of the task's head."""
        return list(self.heads[name].parameters())
