"""MTAN: each task attends to the features of a shared encoder.

Liu et al., End-to-End Multi-Task Learning with Attention, CVPR 2019. https://arxiv.org/abs/1803.10704
On a dilated ResNet: Vandenhende et al., Multi-Task Learning for Dense Prediction Tasks: A Survey, TPAMI 2021.
https://arxiv.org/abs/2004.13379
"""

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Annotated, cast

import torch
from annotated_types import Ge
from torch import Tensor, nn

from mtl.backbones import Backbone, BlockTaps
from mtl.layers import bottleneck
from mtl.models.base import MultiTaskModel, Outputs
from mtl.task import Task


class AttentionMask(nn.Sequential):
    """Attention of a task to every channel at every pixel, between 0 and 1.

    Args:
        in_channels: Channels of the map from which the mask is computed.
        channels: Channels of the map that the mask multiplies.
        reduction: Channels of the mask per channel of the hidden layer.
    """

    def __init__(self, in_channels: int, channels: int, reduction: int) -> None:
        hidden = channels // reduction
        super().__init__(
            nn.Conv2d(in_channels, hidden, 1),
            nn.BatchNorm2d(hidden),
            nn.ReLU(inplace=True),
            nn.Conv2d(hidden, channels, 1),
            nn.BatchNorm2d(channels),
            nn.Sigmoid(),
        )


class MTAN(MultiTaskModel):
    """Each task attends to the shared features at every stage of the encoder.

    With b_k the encoder's map before the last block of stage k = 1 .. 4, and u_k the map after it, task t computes

        a_1 = mask_1t(b_1) * u_1
        a_k = mask_kt([b_k, R_k-1(a_k-1)]) * u_k

    and its head reads a_4. With a single task this is the single-task network.

    - Shared parameters: the encoder, and the refinements R_1 .. R_3 after the cut, which all tasks use.
    - Last shared layer: the encoder's last convolution; u_4 enters the attended map of every task.
    - Task parameters: four masks and a head.
    - Parameters after the cut that several tasks reach: the refinements only. No task reads another's features.
    - The cut has eight maps, so each task's gradient at eight maps is kept during the backward pass of a step.

    Deviations from the paper: as in the survey, masks exist along a residual encoder only and a refinement is a
    bottleneck block; a map of odd size is pooled to half its size rounded up, as in the encoder.

    Args:
        tasks: The tasks, in their order.
        backbone: A residual network of four stages.
        head: Builds a head from `in_channels`, `out_channels` and `bias`; a head maps (features, size) to a
            prediction.
        reduction: Channels of a stage per channel of a mask's hidden layer.
    """

    def __init__(
        self,
        tasks: Sequence[Task],
        backbone: Backbone,
        head: Callable[..., nn.Module],
        reduction: Annotated[int, Ge(1)],
    ) -> None:
        super().__init__(tasks, BlockTaps(backbone))
        channels, strides = self.backbone.channels[1::2], self.backbone.strides[1::2]  # of stages 1 to 4
        seen = channels[:1] + [2 * width for width in channels[1:]]  # input of each mask
        self.refinements = nn.ModuleList(
            refinement(*widths, fine != coarse)
            for widths, (fine, coarse) in zip(pairwise(channels), pairwise(strides), strict=True)
        )
        self.masks = nn.ModuleDict()
        self.heads = nn.ModuleDict()
        for task in tasks:
            pairs = zip(seen, channels, strict=True)
            self.masks[task.name] = nn.ModuleList(AttentionMask(*pair, reduction) for pair in pairs)
            self.heads[task.name] = head(in_channels=channels[-1:], out_channels=task.channels, bias=task.bias)

    def decode(self, features: Sequence[Sequence[Tensor]], size: tuple[int, int]) -> Outputs:
        """Predictions of all tasks, each from its own eight maps."""
        final = {}
        for name, maps in zip(self.task_names, features, strict=True):
            masks = cast("nn.ModuleList", self.masks[name])
            stages = list(zip(maps[::2], maps[1::2], masks, strict=True))
            before, behind, mask = stages[0]
            attended = mask(before) * behind
            for refine, (before, behind, mask) in zip(self.refinements, stages[1:], strict=True):
                attended = mask(torch.cat([before, refine(attended)], dim=1)) * behind
            final[name] = self.heads[name]([attended], size)
        return Outputs(final=final)

    def regions(self) -> list[nn.Module]:
        """Modules to compile one by one: those of the encoder, the refinements, the masks and the heads."""
        masks = [mask for masks in self.masks.values() for mask in masks.children()]
        return [*super().regions(), *self.refinements, *masks, *self.heads.values()]

    def shared_parameters(self) -> list[nn.Parameter]:
        """Parameters of the encoder and of the refinements."""
        return [*super().shared_parameters(), *self.refinements.parameters()]

    def task_parameters(self, name: str) -> list[nn.Parameter]:
        """Parameters of the task's masks and head."""
        return [*self.masks[name].parameters(), *self.heads[name].parameters()]


def refinement(in_channels: int, out_channels: int, pool: bool) -> nn.Module:
    """Converts an attended map to the width of the next stage, and pools it where that stage halves the size."""
    block = bottleneck(in_channels, out_channels)
    return nn.Sequential(block, nn.MaxPool2d(2, ceil_mode=True)) if pool else block
