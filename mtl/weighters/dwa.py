"""DWA: give more weight to the tasks whose loss falls slowly.

Liu et al., End-to-End Multi-Task Learning with Attention, CVPR 2019.
https://arxiv.org/abs/1803.10704, Eq. (7).
"""

import math
from typing import Annotated, ClassVar

import torch
from torch import Tensor

from mtl.weighters.base import Needs, Update, Weighter, mask
from mtl.weighters.limits import Gt


class DWA(Weighter):
    """Weights each task by the ratio of its mean losses in the last two epochs: the slower the descent, the larger.

    With L_t(e) the mean loss of task t over epoch e, and T active tasks, in epoch e

        r_t = L_t(e-1) / L_t(e-2),    w = T softmax(r / temperature)

    The ratio is 1, as for a constant loss, in the first two epochs (so all weights are 1) and whenever it is undefined:
    L_t(e-2) is not positive, or L_t(e-1) is negative. Only batches with labels of a task count in its mean; after an
    epoch without any, the ratio of the task is unchanged.

    Args:
        num_tasks: Number of tasks T.
        temperature: The larger, the closer the weights are to 1.

    Raises:
        ValueError: `temperature` is not positive and finite.

    Deviations from the paper: none, nor from the authors' code. Neither covers missing labels or losses that are not
    positive. The code of NashMTL compares windows of 25 steps, initially filled with ones, instead of epochs.
    """

    needs: ClassVar[Needs] = Needs.LOSSES
    native: ClassVar = "sum"
    sums: Tensor
    counts: Tensor
    last: Tensor
    before_last: Tensor

    def __init__(self, num_tasks: int, temperature: Annotated[float, Gt(0)]) -> None:
        super().__init__(num_tasks)
        if not 0 < temperature < math.inf:
            raise ValueError(f"temperature must be positive and finite, got {temperature}")
        self.temperature = temperature
        for name in ("sums", "counts", "last", "before_last"):  # of this epoch's batches; means of the epochs before
            self.register_buffer(name, torch.zeros(num_tasks, dtype=torch.float64))

    def forward(self, losses: Tensor, gradients: Tensor | None = None, active: Tensor | None = None) -> Update:
        """Weights of the epoch; records the losses for later epochs."""
        active = torch.ones_like(losses, dtype=torch.bool) if active is None else active
        self.sums = self.sums + mask(losses.detach().double(), active)
        self.counts = self.counts + active
        meaningful = (self.before_last > 0) & (self.last >= 0)  # before_last is 0 until there have been two epochs
        ratios = torch.where(meaningful, self.last / self.before_last, 1.0)  # [T]
        shares = (ratios / self.temperature).masked_fill(~active, -torch.inf).softmax(0)
        return Update(weights=mask(active.sum() * shares, active).to(losses))

    def after_epoch(self) -> None:
        """Turns the sums of the epoch into its means."""
        labelled = self.counts > 0
        self.before_last = torch.where(labelled, self.last, self.before_last)
        self.last = torch.where(labelled, self.sums / self.counts, self.last)
        self.sums, self.counts = torch.zeros_like(self.sums), torch.zeros_like(self.counts)
