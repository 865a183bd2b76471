"""The gradients of one batch, through the network and the weighter."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from torch import Tensor

from mtl.engine.accumulation import Accumulation
from mtl.engine.decision import Gradients
from mtl.engine.objective import Labels, Objective
from mtl.engine.rotations import RotationLearner
from mtl.weighters.base import Weighter


class BatchGradients:
    """Adds the gradient of the weighted losses of a batch to `.grad`.

    Args:
        objective: The network and its losses.
        weighter: The rule that weights them.
        mode: How micro-batches are combined, as for `Accumulation`.
        applied: How `Accumulation` applies the weighter: any of scope, scale and heads.
        rotations: Sees the task gradients at the features; None: nothing does.
    """

    def __init__(
        self,
        objective: Objective,
        weighter: Weighter,
        mode: Literal["exact", "first"],
        applied: Mapping[str, Any],
        rotations: RotationLearner | None = None,
    ) -> None:
        self.objective, self.weighter, self.rotations = objective, weighter, rotations
        self.mode: Literal["exact", "first"] = mode
        self.applied = applied

    def __call__(
        self, parts: Sequence[Labels], statistics: str | None = None, loss_scale: Tensor | None = None
    ) -> Gradients:
        """One call of the weighter.

        Args:
            parts: The batch, or its micro-batches.
            statistics: As for `backward`.
            loss_scale: As for `backward`.
        """
        accumulation = Accumulation(
            self.weighter, len(parts), self.mode, statistics=statistics, loss_scale=loss_scale, **self.applied
        )
        if self.rotations is not None:
            accumulation.watcher = self.rotations.observe
        model, shares = self.objective.model, 0
        for part in parts:
            losses, features, active = self.objective(part)
            if self.objective.shares is not None:
                shares = shares + self.objective.shares
                self.weighter.observe(shares[:, 0] / shares[:, 1])
            if self.rotations is not None:
                self.rotations.check(losses, features)
            layer, shared = model.last_layer, model.shared_parameters()
            accumulation.add(losses, features, last_layer=layer, shared=shared, active=active)
        return accumulation.finish()
