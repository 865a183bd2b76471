"""A task of a run: its label, how many channels are predicted for it, its loss and its metric."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from torch import nn

from mtl.tasks import Label, find

if TYPE_CHECKING:
    from torchmetrics import Metric  # takes seconds to import, and losses and models need only the record


@dataclass(frozen=True)
class Task:
    """One task of a run. Its loss and its metric learn from the label what an invalid pixel holds.

    Args:
        name: Key of the task in batches, outputs and logs.
        channels: Number of channels the network predicts.
        loss: Module that maps (prediction, target) to (sum, count).
        metric: Metric that judges raw predictions.
        bias: Initial bias of the output convolution, such as the mean depth in metres.
        truth: Key of an evaluation sample that the metric judges against; None: the task's own labels.
        label: What its label is; None: the label that `mtl.tasks` has under the name.

    Raises:
        ValueError: `mtl.tasks` has none, or the label is that of another task.
    """

    name: str
    channels: int
    loss: nn.Module
    metric: "Metric"
    bias: float = 0.0
    truth: str | None = None
    label: Label | None = None

    def __post_init__(self) -> None:
        if self.label is None:
            object.__setattr__(self, "label", find(self.name))
        if self.label.name != self.name:
            raise ValueError(f"task {self.name} has the label of {self.label.name}: give it a class with its own name")
        for judge in (self.loss, self.metric):
            if judge is not None:
                judge.fill = self.label.fill
