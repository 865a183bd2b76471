"""DB-MTL: balance the logarithms of the losses, and give their averaged gradients the length of the longest.

Lin et al., Dual-Balancing for Multi-Task Learning, 2023. https://arxiv.org/abs/2308.12029, Algorithm 1.
"""

import math
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

import torch
from torch import Tensor

from mtl.weighters.base import Needs, Scope, Update, Weighter, alive, mask
from mtl.weighters.famo import lift
from mtl.weighters.limits import Ge, Interval

PIECE = 4096  # numbers in a sum of squares: longer sums in float32 lose digits
SMALL, LARGE = 1e-12, 1e18  # between these lengths float32 holds the squares


class DBMTL(Weighter):
    """Averages the gradient of each log loss over steps, and sums these averages at the length of the longest.

    With b_t from 0 and k the number of steps in which task t had labels,

        b_t <- past b_t + (1 - past) g_t / l_t,    past = beta / k^sigma
        d = sum_t (max_j |b_j| / |b_t|) b_t

    The heads train on the log losses: their weights are 1 / l_t.

    The averages are a second T x P tensor in memory and in every checkpoint, and the trainer copies them in each step;
    the gradients cost T passes over the encoder.

    Args:
        num_tasks: Number of tasks T.
        beta: Share of the past in the first average, from 0 (no average) to below 1.
        sigma: How fast this share falls; with 0 it is constant.

    Raises:
        ValueError: `beta` is not in [0, 1), or `sigma` is negative or not finite.

    Deviations from the paper: a loss at or below 0 counts as 0, and 1e-8 is added to each, as in LibMTL. As there, the
    averages start from 0, so the first update is (1 - beta) times as long as it would be without them. An inactive
    task keeps its average and count, and adds nothing to d.
    """

    needs: ClassVar[Needs] = Needs.GRADIENTS
    native: ClassVar = "own"
    scopes: ClassVar[tuple[Scope, ...]] = (Scope.SHARED,)  # gradients at features of other images cannot be averaged
    steps: Tensor
    average: Tensor

    def __init__(
        self, num_tasks: int, beta: Annotated[float, Interval(ge=0, lt=1)], sigma: Annotated[float, Ge(0)]
    ) -> None:
        super().__init__(num_tasks)
        if not 0 <= beta < 1:
            raise ValueError(f"beta must be 0 or above and below 1, got {beta}")
        if not 0 <= sigma < math.inf:
            raise ValueError(f"sigma must be a finite number, 0 or above, got {sigma}")
        self.beta, self.sigma = beta, sigma
        self.register_buffer("steps", torch.zeros(num_tasks, dtype=torch.float64))
        self.register_buffer("average", torch.zeros(num_tasks, 0))  # [T, P]; P is known in the first step
        self.register_load_state_dict_pre_hook(_resize)

    def forward(self, losses: Tensor, gradients: Tensor | None = None, active: Tensor | None = None) -> Update:
        """The direction from the task gradients [T, P]; the averages change in place, to save memory."""
        assert gradients is not None
        active = torch.ones_like(losses, dtype=torch.bool) if active is None else active
        if not self.average.numel():
            self.average = torch.zeros_like(gradients)
        self.steps = self.steps + active
        past = torch.where(active, self.beta / self.steps.clamp(min=1) ** self.sigma, 1.0)  # [T]
        slopes = 1 / lift(losses)  # [T] of log l
        self.average.mul_(past.to(gradients)[:, None])
        self.average.addcmul_(gradients, ((1 - past) * slopes).to(gradients)[:, None])
        norms = _norms(self.average)  # [T]
        scales = torch.where(alive(norms, active), mask(norms, active).max() / norms, 0.0).to(gradients)
        return Update(weights=mask(slopes, active).to(losses), direction=scales @ self.average)


def _norms(rows: Tensor) -> Tensor:
    """Lengths of rows [T, P] as float64; from pieces in float32, in a 25th of the time, if it holds their squares."""
    whole = rows.shape[1] // PIECE * PIECE
    pieces = torch.linalg.vector_norm(rows[:, :whole].unflatten(1, (-1, PIECE)), dim=2)  # [T, N]
    norms = torch.cat([pieces, rows[:, whole:].norm(dim=1, keepdim=True)], 1).norm(dim=1, dtype=torch.float64)
    if ((norms > SMALL) & (norms < LARGE)).all():
        return norms
    return torch.stack([row.norm(dtype=torch.float64) for row in rows])


def _resize(weighter: DBMTL, state: Mapping[str, Tensor], prefix: str, *_: Any) -> None:
    """Gives the averages the shape of those that are about to be loaded."""
    saved = state.get(f"{prefix}average", weighter.average)
    if saved.shape != weighter.average.shape:
        weighter.average = torch.empty_like(saved, device=weighter.average.device)
