"""What makes a task: how many channels it predicts, how it is taught and how it is judged."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from torch import nn

if TYPE_CHECKING:
    from torchmetrics import Metric  # takes seconds to import, and losses and models need only the record

TASK_ORDER = ("semseg", "human_parts", "depth", "normals", "saliency", "edge")


@dataclass(frozen=True)
class Task:
    """One task of a run.

    Args:
        name: Key of the task in batches, outputs and logs; one of `TASK_ORDER`.
        channels: Number of channels the network predicts.
        loss: Module that maps (prediction, target) to (sum, count).
        metric: Metric that judges raw predictions.
        bias: Initial bias of the output convolution, such as the mean depth in metres.
        truth: Key of an evaluation sample that the metric judges against; None: the task's own labels.
    """

    name: str
    channels: int
    loss: nn.Module
    metric: "Metric"
    bias: float = 0.0
    truth: str | None = None
