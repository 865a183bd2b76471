"""Fixed: constant weights, such as those found by grid search.

Guo et al., Revisit the Imbalance Optimization in Multi-task Learning, 2025.
https://arxiv.org/abs/2509.23915, Sec. V-A (row "Grid Search").
"""

from collections.abc import Sequence
from typing import Annotated, ClassVar

import torch
from torch import Tensor

from mtl.weighters.base import Needs, Update, Weighter, mask
from mtl.weighters.limits import Ge


class Fixed(Weighter):
    """Weights each loss by a constant: w_t = lambda_t.

    Args:
        num_tasks: Number of tasks T.
        weights: The constants, in task order, not normalised. Shape [T].

    Raises:
        ValueError: There are not T weights, or one is negative or not finite.

    Deviations from the paper: none.
    """

    needs: ClassVar[Needs] = Needs.LOSSES
    native: ClassVar = "own"
    constant: ClassVar[bool] = True
    constants: Tensor

    def __init__(self, num_tasks: int, weights: Sequence[Annotated[float, Ge(0)]]) -> None:
        super().__init__(num_tasks)
        if len(weights) != num_tasks:
            raise ValueError(f"{num_tasks} tasks but {len(weights)} weights: {list(weights)}; give one per task")
        constants = torch.as_tensor(weights, dtype=torch.float64)  # [T]
        if not torch.isfinite(constants).all() or (constants < 0).any():
            raise ValueError(f"weights must be finite and not negative, got {list(weights)}")
        self.register_buffer("constants", constants, persistent=False)

    def forward(self, losses: Tensor, gradients: Tensor | None = None, active: Tensor | None = None) -> Update:
        """The constants; 0 for inactive tasks."""
        return Update(weights=mask(self.constants.to(losses), active))
