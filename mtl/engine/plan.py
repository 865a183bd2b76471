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
        statistics_scope: Where gradient statistics are taken.
        statistics_every: Steps between them; 0: never.
    """

    steps: int
    evaluate_every: int
    clip: float | None
    on_nonfinite: Literal["skip", "raise"]
    checkpoint_minutes: float
    statistics_scope: str
    statistics_every: int
