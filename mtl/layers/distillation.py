"""Multi-modal distillation: tasks exchange gated messages.

Vandenhende et al., MTI-Net: Multi-Scale Task Interaction Networks for Multi-Task Learning, ECCV 2020.
https://arxiv.org/abs/2001.06902
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import cast

import torch.nn.functional as F
from torch import Tensor, nn


class Distillation(nn.Module):
    """Adds gated messages from all other tasks to each task's features.

    D_t = F_t + sum_a conv_ta(F_a) * sigmoid(gate_ta(F_a)),    a over all tasks but t

    with 3x3 convolutions that belong to the receiving task t. A single task sends the message to itself.

    Deviations from the paper: none; the message to itself is ours, since the paper always has several tasks.

    Args:
        task_names: The tasks, in order.
        channels: Channels C of each task's feature.
    """

    def __init__(self, task_names: Sequence[str], channels: int) -> None:
        super().__init__()
        self.messages = nn.ModuleDict()
        for receiver in task_names:
            senders = [name for name in task_names if name != receiver] or [receiver]
            # conv_ta and gate_ta in one: the first half of the output is the message, the second the gate
            pairs = {name: nn.Conv2d(channels, 2 * channels, 3, padding=1, bias=False) for name in senders}
            self.messages[receiver] = nn.ModuleDict(pairs)

    def forward(self, features: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """For each task a map [B, C, H, W], from the features [B, C, H, W] of all tasks by name."""
        received = cast("Iterable[tuple[str, nn.ModuleDict]]", self.messages.items())
        return {
            name: sum((F.glu(conv(features[sender]), dim=1) for sender, conv in messages.items()), features[name])
            for name, messages in received
        }
