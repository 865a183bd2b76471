"""GradVac: raise the cosine between task gradients to the average of past steps.

Wang et al., Gradient Vaccine: Investigating and Improving Multi-task Optimization in Massively Multilingual Models,
ICLR 2021. https://arxiv.org/abs/2010.05874, Algorithm 1.
"""

from typing import Annotated

import torch
from torch import Tensor

from mtl.weighters.limits import Ge, Interval
from mtl.weighters.pcgrad import PCGrad
from mtl.weighters.solvers.problem import CANCELLED

LIMIT = 1 - 1e-7  # of a cosine, so that the coefficients stay finite


class GradVac(PCGrad):
    """Turns each task's gradient towards those with which its cosine is below that of past steps, and sums the results.

    For each task i, with v = g_i and the other tasks j in random order, p the cosine of v and g_j, and phi_ij from 0,

        if p < phi_ij:    v = v + |v| (phi_ij sqrt(1 - p^2) - p sqrt(1 - phi_ij^2)) / (|g_j| sqrt(1 - phi_ij^2)) g_j
        phi_ij = (1 - beta) phi_ij + beta p

    so that v has cosine phi_ij with g_j. With phi_ij = 0, as in the first step, this is PCGrad; later, it also acts on
    gradients that agree, but less than they used to. As there, only the inner products [T, T] are needed, and heads
    train on their own unweighted losses.

    Args:
        num_tasks: Number of tasks T.
        beta: Share of the new cosine in phi.
        seed: Seed of the order of the tasks.

    Raises:
        ValueError: `beta` is not in [0, 1].

    Deviations from the paper: one phi per pair of tasks for the whole shared network, not one per layer. A cosine
    counts as at most 1 - 1e-7. A vanished gradient, or a v that has cancelled, changes nothing and leaves phi.
    """

    targets: Tensor

    def __init__(
        self, num_tasks: int, beta: Annotated[float, Interval(ge=0, le=1)], seed: Annotated[int, Ge(0)] = 0
    ) -> None:
        super().__init__(num_tasks, "sum", seed)
        if not 0 <= beta <= 1:
            raise ValueError(f"beta must be from 0 to 1, got {beta}")
        self.beta = beta
        self.register_buffer("targets", torch.zeros(num_tasks, num_tasks, dtype=torch.float64))  # phi

    def surgery(self, cosines: list[list[float]], orders: list[list[int]]) -> list[list[float]]:
        """As PCGrad; updates the targets."""
        targets, added = self.targets.tolist(), []
        for task, order in enumerate(orders):
            v = [float(other == task) for other in range(self.num_tasks)]  # in unit gradients
            for other in order:
                if not cosines[task][task] or not cosines[other][other]:
                    continue
                along = [sum(a * c for a, c in zip(v, row, strict=True)) for row in cosines]
                length = max(sum(a * b for a, b in zip(v, along, strict=True)), 0.0) ** 0.5
                if length <= CANCELLED * sum(map(abs, v)):
                    continue
                target, cosine = targets[task][other], min(max(along[other] / length, -LIMIT), LIMIT)
                if cosine < target:
                    v[other] += length * (target * (1 - cosine**2) ** 0.5 / (1 - target**2) ** 0.5 - cosine)
                targets[task][other] = (1 - self.beta) * target + self.beta * cosine
            v[task] -= 1.0
            added.append(v)
        self.targets = self.targets.new_tensor(targets)
        return added
