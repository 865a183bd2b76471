"""The settings of a training run and its progress."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

import torch
from torch import Tensor

from mtl.engine.decision import Gradients

Precision = Literal["float32", "tf32", "bfloat16", "float16"]
Accumulation = Literal["exact", "first"]
OnNonfinite = Literal["skip", "raise"]


@dataclass(frozen=True)
class Plan:
    """Settings of a training run.

    Args:
        steps: Length in optimizer steps.
        evaluate_every: Steps between evaluations; the last step is always followed by one.
        clip: Largest global L2 norm of the gradient; None: no clipping.
        on_nonfinite: What to do if a loss or gradient is not finite: `skip` the step or `raise`.
        checkpoint_minutes: Longest time between two checkpoints; every evaluation writes one, too.
        precision: Of the forward pass: `float32`, `tf32`, `bfloat16` or `float16` (with a loss scale).
        micro_batches: Number of parts that each batch is split into.
        accumulation: How their gradients are combined, as for `Accumulation`: `exact` or `first`.
        statistics_scope: Where gradient statistics are taken.
        statistics_every: Steps between them; 0: never.
    """

    steps: int
    evaluate_every: int
    clip: float | None
    on_nonfinite: OnNonfinite
    checkpoint_minutes: float
    precision: Precision
    micro_batches: int
    accumulation: Accumulation
    statistics_scope: str
    statistics_every: int


@dataclass
class Progress:
    """Progress of a run: counters, running sums and the best and last evaluation.

    Args:
        weights: Sum of the weights of all steps. Shape [T].
    """

    weights: Tensor
    losses: Tensor = field(init=False)  # [T] sum since the last evaluation
    trained: Tensor = field(init=False)  # [T] steps in which the task took part
    step: int = 0  # optimizer steps done, skipped ones included
    counted: int = 0  # steps in `weights`
    since: int = 0  # steps in `losses`
    skipped: int = 0  # steps skipped because a loss or gradient was not finite
    cause: tuple[str, str] | None = None  # of the first skipped step: what was not finite, and what to change
    failure: str | None = None  # why the run ended without a trained network
    best: dict[str, Any] | None = None  # step, scores and selection score
    last: dict[str, Any] | None = None

    def __post_init__(self) -> None:
        self.losses = torch.zeros_like(self.weights)
        self.trained = torch.zeros_like(self.weights)

    def add(self, gradients: Gradients) -> None:
        """Adds the losses and weights of one step, without waiting for the device."""
        self.weights += gradients.weights
        self.losses += gradients.losses
        self.trained += gradients.active
        self.counted += 1
        self.since += 1

    def mean_losses(self) -> Tensor:
        """Mean losses since the last call. Shape [T]."""
        mean = self.losses / max(self.since, 1)
        self.losses = torch.zeros_like(self.losses)
        self.since = 0
        return mean

    def scored(self, evaluation: dict[str, Any]) -> bool:
        """Records an evaluation; True if it is the best so far. Of equal scores the latest is the best."""
        self.last = evaluation
        better = self.best is None or evaluation["selection"] >= self.best["selection"]
        if better:
            self.best = evaluation
        return better

    def evaluation_due(self, plan: Plan) -> bool:
        """Whether this step is followed by an evaluation, and that has not been done."""
        due = self.step > 0 and (self.step % plan.evaluate_every == 0 or self.step == plan.steps)
        return due and (self.last is None or self.last["step"] != self.step)

    def summary(self, names: Sequence[str]) -> dict[str, Any]:
        """The evaluations and counts of the whole run, and the mean weight of each task."""
        weights = (self.weights / max(self.counted, 1)).tolist()
        return {
            "best": self.best,
            "last": self.last,
            "mean_weights": dict(zip(names, weights, strict=True)),
            "steps": self.step,
            "skipped_steps": self.skipped,
        }

    def state_dict(self) -> dict[str, Any]:
        """All fields."""
        return asdict(self)

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restores all fields; checkpoints of earlier versions do not have `trained`."""
        self.trained = torch.full_like(self.weights, state["counted"])
        for key, value in state.items():
            setattr(self, key, value.to(self.weights.device) if isinstance(value, Tensor) else value)
