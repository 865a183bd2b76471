"""A task of a run: its label, its number of predicted channels, its loss and its metric."""

from dataclasses import dataclass
from typing import Annotated, Any

from annotated_types import Ge
from torch import nn

from mtl.metrics.base import TaskMetric
from mtl.tasks import Label, find


@dataclass(frozen=True)
class Coarse:
    """Coarse labels of a task, which some networks predict from the shared features as well.

    Args:
        loss: Module that maps (logits, target) to (sum, count).
        channels: Number of logits; None: as many as the task has channels.
    """

    loss: nn.Module
    channels: Annotated[int, Ge(1)] | None = None


@dataclass(frozen=True)
class Task:
    """One task of a run. Loss and metric take the value of invalid pixels from the label.

    Args:
        name: Key of the task in batches, outputs and logs.
        channels: Number of channels that the network predicts.
        loss: Module that maps (prediction, target) to (sum, count).
        metric: Metric of raw predictions.
        bias: Initial bias of the output convolution, such as the mean depth in metres.
        truth: Key of the labels in an evaluation sample that the metric uses; None: the name of the task.
        label: Description of the label; None: the label with this name in `mtl.tasks`.
        coarse: Its coarse labels, if the network predicts them.

    Raises:
        ValueError: `mtl.tasks` has no label with this name, or the label has a different name or number of channels.
    """

    name: str
    channels: Annotated[int, Ge(1)]
    loss: nn.Module
    metric: TaskMetric
    bias: float = 0.0
    truth: str | None = None
    label: Label = None  # pyright: ignore[reportAssignmentType]  it is None only until __post_init__
    coarse: Coarse | None = None

    def __post_init__(self) -> None:
        label = find(self.name) if self.label is None else self.label
        object.__setattr__(self, "label", label)
        if label.name != self.name:
            raise ValueError(f"task {self.name} has the label of {label.name}: give it a class with its own name")
        if self.channels != (label.predicted or self.channels):
            raise ValueError(f"channels={self.channels} of {self.name}: use {label.predicted}")
        judges: tuple[Any, ...] = self.loss, self.metric, self.coarse and self.coarse.loss
        for judge in judges:
            if judge is not None:
                judge.fill = label.fill
