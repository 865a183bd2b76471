"""Feature propagation from a coarse scale to the next finer one.

Vandenhende et al., MTI-Net: Multi-Scale Task Interaction Networks for Multi-Task Learning, ECCV 2020.
https://arxiv.org/abs/2001.06902
"""

from collections.abc import Mapping, Sequence
from typing import Literal

import torch
from torch import Tensor, nn

from mtl.layers.blocks import SqueezeExcite, basic_block


class FeaturePropagation(nn.Module):
    """Mixes the features of all tasks at one scale into an input of the next finer scale for each task.

    With x the concatenated features F_t of all T tasks, and f two residual blocks and a 1x1 convolution,

        shared   = mix(x * softmax(f(x)))
        output_t = F_t + squeeze_excite_t(shared)

    f (`attention`) and `mix` belong to no single task, squeeze_excite_t to task t. With one task the softmax is always
    1; f is kept because the published parameter count includes it, but its gradient is 0.

    Deviations from the paper: its softmax normalises over the tasks at every pixel and channel (`softmax_over:
    tasks`). The code behind its results stores the T * C channels of x task by task but reads them channel by channel,
    so it normalises over T neighbouring channels, mostly of one task (`softmax_over: neighbours`).

    Args:
        task_names: The T tasks, in order.
        channels: Channels C of each task's feature.
        reduction: Channels of x per channel inside f.
        squeeze: Reduction of squeeze-and-excitation.
        squeeze_bias: Whether the linear layers of squeeze-and-excitation have biases.
        softmax_over: What the softmax normalises over, `tasks` or `neighbours`.
    """

    def __init__(
        self,
        task_names: Sequence[str],
        channels: int,
        *,
        reduction: int,
        squeeze: int,
        squeeze_bias: bool,
        softmax_over: Literal["neighbours", "tasks"],
    ) -> None:
        super().__init__()
        num_tasks = len(task_names)
        layouts = {"neighbours": ((channels, num_tasks), 2), "tasks": ((num_tasks, channels), 1)}
        if softmax_over not in layouts:
            raise ValueError(f"softmax_over={softmax_over}: use {' or '.join(layouts)}")
        self.layout, self.dim = layouts[softmax_over]  # how the T * C channels are read, and the axis of the softmax
        joint = num_tasks * channels
        inner = joint // reduction
        blocks = basic_block(joint, inner), basic_block(inner, inner)
        self.attention = nn.Sequential(*blocks, nn.Conv2d(inner, joint, 1))
        self.mix = basic_block(joint, channels, project=True)
        self.squeeze_excite = nn.ModuleDict(
            {name: SqueezeExcite(channels, squeeze, squeeze_bias) for name in task_names}
        )

    def forward(self, features: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """For each task a map [B, C, H, W], from the features [B, C, H, W] of all tasks by name."""
        x = torch.cat(list(features.values()), dim=1)  # [B, T * C, H, W]
        shared = self.mix(x * self.attention(x).unflatten(1, self.layout).softmax(self.dim).flatten(1, 2))
        return {name: feature + self.squeeze_excite[name](shared) for name, feature in features.items()}
