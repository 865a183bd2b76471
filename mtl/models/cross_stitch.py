"""Cross-stitch networks: an encoder per task, whose features are mixed channel by channel after every stage.

Misra et al., Cross-stitch Networks for Multi-task Learning, CVPR 2016. https://arxiv.org/abs/1604.03539, Sec. 3
On a dilated ResNet: Vandenhende et al., Multi-Task Learning for Dense Prediction Tasks: A Survey, TPAMI 2021.
https://arxiv.org/abs/2004.13379
"""

from collections.abc import Callable, Sequence
from typing import Annotated

from annotated_types import Gt, Interval
from torch import Tensor, nn

from mtl.backbones import Backbone
from mtl.models.streams import Streams, shares
from mtl.task import Task


class CrossStitch(Streams):
    """Mixes the tasks' maps linearly after each of the four stages.

    With x_s the map of task s,

        x_t <- sum_s a_ts * x_s

    with a number per channel, so a_ts is a vector. With a single task this is the vanilla network.

    All parameters but the heads' are shared parameters, see `Streams`.

    In the paper encoders and heads start from trained single-task networks (`start_from`).

    Deviations from the paper: with a single task it starts from that task's network, too, so that an architecture and
    its single-task counterpart are trained equally long.

    Args:
        tasks: The tasks, in their order.
        backbone: A residual network of four stages; every task gets a copy of it.
        head: Builds a head from `in_channels`, `out_channels` and `bias`; a head maps (features, size) to a
            prediction.
        own: Initial share of a task's own features; the others share the rest equally.
        lr_factor: Learning rate of the units, as a multiple of the recipe's.
    """

    def __init__(
        self,
        tasks: Sequence[Task],
        backbone: Backbone,
        head: Callable[..., nn.Module],
        *,
        own: Annotated[float, Interval(ge=0, le=1)],
        lr_factor: Annotated[float, Gt(0)],
    ) -> None:
        self.own = own
        super().__init__(tasks, backbone, head, "cross_stitch", lr_factor)

    def build_units(self, widths: Sequence[int]) -> nn.ModuleDict:
        """A unit behind each stage."""
        num_tasks = len(self.task_names)
        return nn.ModuleDict({str(place): Stitch(num_tasks, widths[place], self.own) for place in range(1, 5)})


class Stitch(nn.Module):
    """Mixes T maps channel by channel.

    Args:
        num_tasks: Number of tasks T.
        channels: Channels of each map.
        own: Initial share of a task's own map.
    """

    def __init__(self, num_tasks: int, channels: int, own: float) -> None:
        super().__init__()
        self.weight = nn.Parameter(shares(num_tasks, own)[..., None].repeat(1, 1, channels))  # [T, T, C]

    def forward(self, maps: Sequence[Tensor]) -> list[Tensor]:
        """T maps [B, C, H, W] from T maps [B, C, H, W]."""
        weight = self.weight[..., None, None]
        return [sum((w * x for w, x in zip(row[1:], maps[1:], strict=True)), row[0] * maps[0]) for row in weight]
