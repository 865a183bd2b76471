"""The numbers of a run."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Plan:
    """The numbers of a run.

    Args:
        steps: Length in optimizer steps.
        evaluate_every: Steps between evaluations; the last step is always followed by one.
        clip: Largest global L2 norm of the gradient; None: any.
        on_nonfinite: What a loss or gradient that is not finite does: `skip` the step or `raise`.
        checkpoint_minutes: Largest time between two checkpoints, beside those at evaluations.
        precision: Of the forward pass: `float32`, `bfloat16` or `float16` (with a loss scale against underflow).
        micro_batches: Parts that a batch is computed in.
        accumulation: How their gradients become one update, as for `Accumulation`: `exact` or `first`.
        statistics_scope: Where gradient statistics are taken.
        statistics_every: Steps between them; 0: never.
    """

    steps: int
    evaluate_every: int
    clip: float | None
    on_nonfinite: Literal["skip", "raise"]
    checkpoint_minutes: float
    precision: Literal["float32", "bfloat16", "float16"]
    micro_batches: int
    accumulation: Literal["exact", "first"]
    statistics_scope: str
    statistics_every: int
