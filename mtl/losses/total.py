"""Computes one loss per task from a model's outputs and a batch."""

from collections.abc import Mapping, Sequence
from typing import Protocol

import torch
import torch.distributed as dist
from torch import Tensor, nn

from mtl.losses.base import sum_over_processes
from mtl.task import Task


class Predictions(Protocol):
    """Outputs of a model: final predictions, and auxiliary and coarse ones that are used by the loss only."""

    final: Mapping[str, Tensor]
    auxiliary: Sequence[Mapping[str, Tensor]]
    coarse: Mapping[str, Tensor]


class TotalLoss(nn.Module):
    """Mean loss of each task over valid pixels, summed over final, auxiliary and coarse predictions.

    L_t = R / max(sum_r n_tr, 1) * sum_k S_tk

    with S_tk the sum over this process's valid pixels of prediction k, n_tr the number of valid pixels of
    process r and R the number of processes. The mean over processes of L_t and of its gradient then equals that of
    one process with the whole batch, however the valid pixels are distributed.

    Args:
        tasks: The tasks of the run, in their order.
    """

    def __init__(self, tasks: Sequence[Task]) -> None:
        super().__init__()
        self.tasks = nn.ModuleDict({task.name: task.loss for task in tasks})
        self.coarse = nn.ModuleDict({task.name: task.coarse.loss for task in tasks if task.coarse is not None})

    def forward(self, outputs: Predictions, batch: Mapping[str, Tensor]) -> tuple[list[Tensor], Tensor]:
        """T scalar losses, and the valid pixels over all processes (shape [T], int64, 0: task inactive)."""
        terms = [outputs.final, *outputs.auxiliary]
        sums, counts = [], []
        for name, loss in self.tasks.items():
            pairs = [loss(term[name], batch[name]) for term in terms]
            if name in outputs.coarse:
                pairs.append(self.coarse[name](outputs.coarse[name], batch[name]))
            sums.append(sum(total for total, _ in pairs))
            counts.append(pairs[0][1])  # every term has the same valid pixels
        total_counts = sum_over_processes(torch.stack(counts))  # [T]
        processes = dist.get_world_size() if dist.is_initialized() else 1
        shares = total_counts.clamp(min=1)  # [T]
        return [processes * total / share for total, share in zip(sums, shares, strict=True)], total_counts
