"""PCGrad: remove conflicting components from each task's gradient.

Yu et al., Gradient Surgery for Multi-Task Learning, NeurIPS 2020.
https://arxiv.org/abs/2001.06782, Algorithm 1.
"""

from typing import Annotated, ClassVar, Literal

import torch
from torch import Tensor

from mtl.weighters.base import Needs, RandomWeighter, Update, alive, mask
from mtl.weighters.limits import Ge


class PCGrad(RandomWeighter):
    """Projects each task's gradient onto the normal plane of those it conflicts with, and sums the results.

    For each task i, with v = g_i and the other tasks j in random order,

        if <v, g_j> < 0:    v = v - <v, g_j> / |g_j|^2 g_j

    Every v stays a combination of the task gradients, so the inner products [T, T] are all that is needed, and the
    update is sum_t c_t g_t with coefficients c_t >= 1. The heads train on their own unweighted losses.

    Args:
        num_tasks: Number of tasks T.
        reduction: `sum` of the projected gradients, or their `mean` over the active tasks: 1/T of it, at either scale.
        seed: Seed of the order of the projections.

    Raises:
        ValueError: The reduction is unknown.

    Deviations from the paper: none with `sum`. A vanished gradient takes no part in any projection. The authors' code
    has no random order: it shuffles the losses but does not use the result.
    """

    needs: ClassVar[Needs] = Needs.GRAMIAN
    native: ClassVar = "sum"  # with reduction mean, too: the engine must not undo it

    def __init__(self, num_tasks: int, reduction: Literal["sum", "mean"], seed: Annotated[int, Ge(0)] = 0) -> None:
        super().__init__(num_tasks, seed)
        if reduction not in ("sum", "mean"):
            raise ValueError(f"PCGrad: reduction must be sum or mean, got {reduction}")
        self.reduction = reduction

    def forward(self, losses: Tensor, gradients: Tensor | None = None, active: Tensor | None = None) -> Update:
        """Coefficients from the Gramian [T, T]; the projections run on the CPU in float64."""
        assert gradients is not None
        active = torch.ones(len(losses), dtype=torch.bool, device=gradients.device) if active is None else active
        gramian = torch.where(active.outer(active), gradients, 0.0).double().cpu()
        norms = gramian.diagonal().sqrt()  # [T]
        counted = alive(norms, None)
        coefficients = torch.ones_like(norms)
        if counted.any():
            cosines = torch.where(counted.outer(counted), gramian / norms.outer(norms), 0.0)  # [T, T]
            added = gramian.new_tensor(self.surgery(cosines.tolist(), self.draw_orders().tolist()))  # [T, T]
            coefficients += torch.where(counted, norms @ added / norms, 0.0)
        coefficients = coefficients.to(gradients)
        if self.reduction == "mean":
            coefficients = coefficients / active.sum()
        return Update(weights=mask(torch.ones_like(coefficients), active), shared_weights=mask(coefficients, active))

    def draw_orders(self) -> Tensor:
        """For each task a random permutation of the others. Shape [T, T - 1], int64."""
        tasks = range(self.num_tasks)
        orders = torch.stack([torch.randperm(self.num_tasks - 1, generator=self.generator) for _ in tasks])
        return orders + (orders >= torch.arange(self.num_tasks)[:, None])

    def surgery(self, cosines: list[list[float]], orders: list[list[int]]) -> list[list[float]]:
        """Coefficients a that the projections add to each unit gradient: v_i / |g_i| = u_i + sum_j a_ij u_j.

        Unit gradients keep the products exact even for very different norms. Python numbers, because T is small.

        Args:
            cosines: Between the task gradients; 0 if one has vanished. Shape [T, T].
            orders: For each gradient, the other tasks in the order of its projections. Shape [T, T - 1].
        """
        added = [[0.0] * len(cosines) for _ in cosines]
        for row, order, products in zip(added, orders, cosines, strict=True):
            for other in order:
                product = products[other] + sum(a * c for a, c in zip(row, cosines[other], strict=True))
                row[other] -= min(product, 0.0)
        return added
