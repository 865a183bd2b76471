"""The learning rate at each step of a run."""

import warnings
from typing import Literal

from torch.optim import Optimizer
from torch.optim.lr_scheduler import PolynomialLR


class PolySchedule:
    """lr = lr0 * (1 - k / K)^power, with k counted in steps or in epochs.

    Deviations from the paper: it says "Poly" and gives no power. The power 0.9, and k in epochs for ResNets and in
    steps for HRNets and ViTs, are ours, as in the code that its recipes come from.

    Args:
        optimizer: The optimizer whose learning rate decays.
        power: Exponent; 1 is linear.
        per: `step` or `epoch`.
        steps: Length of the run in optimizer steps.
        steps_per_epoch: Length of an epoch in optimizer steps.

    Raises:
        ValueError: `per` is neither of the two.
    """

    def __init__(
        self, optimizer: Optimizer, *, power: float, per: Literal["step", "epoch"], steps: int, steps_per_epoch: int
    ) -> None:
        if per not in ("step", "epoch"):
            raise ValueError(f"recipe.schedule must be step or epoch, got {per!r}")
        self.interval = 1 if per == "step" else steps_per_epoch
        self.poly = PolynomialLR(optimizer, total_iters=-(-steps // self.interval), power=power)

    def after_step(self, step: int) -> None:
        """Updates the learning rate after `step` optimizer steps."""
        if step % self.interval == 0:
            with warnings.catch_warnings():  # torch warns of a wrong order of calls if the first step was skipped
                warnings.filterwarnings("ignore", message="Detected call of `lr_scheduler.step")
                self.poly.step()

    def state_dict(self) -> dict:
        """State of the schedule."""
        return self.poly.state_dict()

    def load_state_dict(self, state: dict) -> None:
        """Restores the state."""
        self.poly.load_state_dict(state)
