"""Sums the gradients of micro-batches."""

from copy import copy
from dataclasses import replace

from torch import Tensor

from mtl.engine.shared import JointGradients, SharedGradients
from mtl.engine.task_gradients import TaskGradients
from mtl.weighters.base import Scope


class SummedGradients(SharedGradients):
    """The gradients at the shared network, summed over micro-batches.

    The maps of different parts hold different images, so their Gramians add up, as those of processes do.

    Args:
        first: Gradients of the first part.
        features: Whether the Gramian at the features is needed.
    """

    def __init__(self, first: SharedGradients, features: bool) -> None:
        self.maps, self.encoder, self.refinements = first.maps, first.encoder, first.refinements
        self.last_layer = first.last_layer
        self._features = first.gramian(Scope.FEATURES) if features else None  # [T, T]
        self._sum = first.rows(Scope.SHARED, last=True)  # [T, P]
        self.aside, self._aside_rows = first.aside, first._aside_rows

    def replaced(self, rows: Tensor) -> "SummedGradients":
        """The same with other rows [T, P]."""
        other = copy(self)
        other._sum, other._rows = rows, {}
        return other

    def add(self, part: SharedGradients) -> None:
        """Adds the gradients of another part."""
        if self._features is not None:
            self._features += part.gramian(Scope.FEATURES)
        self._sum += part.rows(Scope.SHARED, last=True)
        for scope, row in part._aside_rows.items():
            self._aside_rows[scope] = self._aside_rows[scope] + row

    def gramian(self, scope: Scope, last: bool = False) -> Tensor:
        """Inner products of the summed task gradients at the scope. Shape [T, T], float64."""
        if scope is Scope.FEATURES and self._features is not None:
            return self._features
        return super().gramian(scope, last)

    def rows(self, scope: Scope, last: bool = False) -> Tensor:
        """The summed task gradients at parameters. Shape [T, P]."""
        if scope is Scope.SHARED:
            return self._sum
        sizes = [parameter.numel() for parameter in self.encoder]
        index = next(i for i, parameter in enumerate(self.encoder) if parameter is self.last_layer)
        start = sum(sizes[:index])
        return self._sum[:, start : start + sizes[index]]

    def combine(self, coefficients: Tensor, active: Tensor, scope: Scope | None) -> list[Tensor]:
        """Adds sum_t c_t g_t, which is already the same in every process, to `.grad` of the shared network."""
        combined = coefficients.to(self._sum) @ self._sum.masked_fill_(~active[:, None], 0.0)  # [P]
        return self._add_flat(combined + self._aside_rows[Scope.SHARED] if self.aside else combined)


def add_part(
    total: TaskGradients | None, part: TaskGradients, features: bool, seed: Tensor | float | None
) -> TaskGradients:
    """Adds the gradients of a micro-batch to those of the earlier ones; the caller sets the losses.

    Args:
        total: Gradients of the earlier micro-batches; None for the first.
        part: Gradients of this micro-batch.
        features: Whether the Gramian at the features is needed.
        seed: Factor on the sum of all parts; None: 1.
    """
    if total is None:
        return replace(part, common=SummedGradients(part.common, features), seed=seed)
    total.active, total.intact = total.active | part.active, total.intact & part.intact
    total.own = [sum_pairs(*pair) for pair in zip(total.own, part.own, strict=True)]
    total.joint = _sum_joint(total.joint, part.joint)
    assert isinstance(total.common, SummedGradients)  # by the first part
    total.common.add(part.common)
    return total


def sum_pairs(left: list[tuple[Tensor, Tensor]], right: list[tuple[Tensor, Tensor]]) -> list[tuple[Tensor, Tensor]]:
    """Sums the gradients of parameters."""
    total = {id(parameter): (parameter, gradient) for parameter, gradient in left}
    for parameter, gradient in right:
        known = total.get(id(parameter))
        total[id(parameter)] = (parameter, gradient if known is None else known[1] + gradient)
    return list(total.values())


def _sum_joint(left: JointGradients, right: JointGradients) -> JointGradients:
    """Sums the gradients of parameters that several tasks reach, task by task."""
    total = {id(parameter): (parameter, dict(gradients)) for parameter, gradients in left}
    for parameter, gradients in right:
        known = total.setdefault(id(parameter), (parameter, {}))[1]
        for task, gradient in gradients.items():
            known[task] = known[task] + gradient if task in known else gradient
    return list(total.values())
