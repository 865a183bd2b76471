"""NDDR-CNN: an encoder per task, whose features are fused by 1x1 convolutions after every stage.

Gao et al., NDDR-CNN: Layerwise Feature Fusing in Multi-Task CNNs by Neural Discriminative Dimensionality Reduction,
CVPR 2019. https://arxiv.org/abs/1801.08297
On a dilated ResNet: Vandenhende et al., Multi-Task Learning for Dense Prediction Tasks: A Survey, TPAMI 2021.
https://arxiv.org/abs/2004.13379
"""

from collections.abc import Callable, Sequence
from typing import Annotated, cast

import torch
from annotated_types import Gt, Interval
from torch import Tensor, nn

from mtl.backbones import Backbone
from mtl.models.streams import Streams, shares
from mtl.task import Task


class NDDR(Streams):
    """Fuses the tasks' maps after the stem and each of the four stages.

    With x_s the map of task s,

        x_t <- relu(norm(conv_t([x_1 .. x_T])))

    with a 1x1 convolution, which starts as own * x_t plus equal shares of the others. With a single task the
    convolutions remain and start as the identity.

    The last convolutions belong to their tasks; all other parameters but the heads' are shared, see `Streams`.

    In the paper encoders and heads start from trained single-task networks (`start_from`).

    Deviations from the paper: BatchNorm and ReLU follow the convolution, as in the survey; the authors' layer has a
    bias and neither. With a single task it starts from that task's network, too, as `CrossStitch`.

    Args:
        tasks: The tasks, in their order.
        backbone: A residual network of four stages; every task gets a copy of it.
        head: Builds a head from `in_channels`, `out_channels` and `bias`; a head maps (features, size) to a
            prediction.
        own: Initial share of a task's own features; the others share the rest equally.
        bn_momentum: Weight of the batch in the running statistics of the units' BatchNorm.
        lr_factor: Learning rate of the units, as a multiple of the recipe's.
    """

    def __init__(
        self,
        tasks: Sequence[Task],
        backbone: Backbone,
        head: Callable[..., nn.Module],
        *,
        own: Annotated[float, Interval(ge=0, le=1)],
        bn_momentum: Annotated[float, Interval(gt=0, le=1)],
        lr_factor: Annotated[float, Gt(0)],
    ) -> None:
        self.own, self.bn_momentum = own, bn_momentum
        super().__init__(tasks, backbone, head, "nddr", lr_factor)

    def build_units(self, widths: Sequence[int]) -> nn.ModuleDict:
        """A unit behind the stem and each stage."""
        start = shares(len(self.task_names), self.own)
        return nn.ModuleDict({str(place): Fuse(start, width, self.bn_momentum) for place, width in enumerate(widths)})

    def shared_parameters(self) -> list[nn.Parameter]:
        """Parameters of all encoders, and of all units but the last."""
        units = [unit for place, unit in self.units.items() if place != "4"]
        return [*self.encoders.parameters(), *(parameter for unit in units for parameter in unit.parameters())]

    def task_parameters(self, name: str) -> list[nn.Parameter]:
        """Parameters of the task's last convolution and head."""
        last = cast("Fuse", self.units["4"]).layers[self.task_names.index(name)]
        return [*last.parameters(), *super().task_parameters(name)]


class Fuse(nn.Module):
    """A 1x1 convolution for each of T tasks, over the maps of all.

    Args:
        start: Initial share of each task's map in each task's. Shape [T, T].
        channels: Channels of each map.
        momentum: Of BatchNorm.
    """

    def __init__(self, start: Tensor, channels: int, momentum: float) -> None:
        super().__init__()
        self.layers = nn.ModuleList()
        for row in start:
            convolution = nn.Conv2d(len(start) * channels, channels, 1, bias=False)
            with torch.no_grad():  # a multiple of the identity for each task
                convolution.weight.copy_(torch.kron(row, torch.eye(channels))[..., None, None])
            norm = nn.BatchNorm2d(channels, momentum=momentum)
            self.layers.append(nn.Sequential(convolution, norm, nn.ReLU(inplace=True)))

    def forward(self, maps: Sequence[Tensor]) -> list[Tensor]:
        """T maps [B, C, H, W] from T maps [B, C, H, W]."""
        x = torch.cat(list(maps), dim=1)
        return [layer(x) for layer in self.layers]
