"""One update from several micro-batches, for batches that do not fit into memory at once."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any, Literal

import torch
from torch import Tensor

from mtl.engine.cut import Features
from mtl.engine.decision import Decision, Gradients, apply, decide
from mtl.engine.distributed import average_gradients
from mtl.engine.heads import HeadGraph
from mtl.engine.shared import JointGradients, SharedGradients, add_gradient
from mtl.engine.task_gradients import TaskGradients, differentiate, values_of
from mtl.weighters.base import Needs, Scope, Weighter


class Accumulation:
    """Collects the gradients of micro-batches and makes one update of them, the weighter being asked once.

        accumulation = Accumulation(weighter, parts=2, scope="last_layer")
        for image, targets in halves:
            features = mtl.cut(encoder(image), T)
            accumulation.add([...], features, last_layer=encoder.conv.weight)
        accumulation.finish()

    `exact`: the update equals that of the whole batch to rounding, if the network has no BatchNorm and every part has
    equally many valid pixels. As weights are known only after the last part, each part costs T passes over the encoder
    and the T rows of all shared parameters stay in memory; not so for a weighter whose weights are constant.
    `first`: the weights are those of the first part, at the cost of plain accumulation. This is an approximation: a
    noisier Gramian, losses and penalty of one part, and a task without labels in the first part waits.

    A single part is nothing but `backward`, at its cost.

    Args:
        weighter: The rule.
        parts: Number of micro-batches.
        mode: `exact` or `first`.
        scope: As for `backward`.
        scale: As for `backward`.
        heads: As for `backward`.
        statistics: As for `backward`.
        loss_scale: As for `backward`.

    Raises:
        ValueError: The weighter makes an elementwise update, which takes the sum of all parts' rows.
    """

    def __init__(
        self,
        weighter: Weighter,
        parts: int = 1,
        mode: Literal["exact", "first"] = "exact",
        *,
        scope: Scope | str = Scope.SHARED,
        scale: Literal["sum", "native"] = "sum",
        heads: Literal["weighted", "raw"] = "weighted",
        statistics: Scope | str | None = None,
        loss_scale: Tensor | float | None = None,
    ) -> None:
        self.weighter, self.parts, self.loss_scale = weighter, parts, loss_scale
        self.options: dict[str, Any] = {"scope": scope, "scale": scale, "heads": heads, "statistics": statistics}
        self.ahead = parts > 1 and (mode == "first" or weighter.constant)  # weights are known before the last part
        if parts > 1 and weighter.needs is Needs.GRADIENTS and (mode == "first" or Scope(scope) is not Scope.SHARED):
            raise ValueError(
                f"{type(weighter).__name__} with micro-batches needs the sum of their rows: "
                "use accumulation exact at scope shared"
            )
        # where no gradient enters the weights, no task's gradient need be kept apart
        self.foreseen = weighter.needs is Needs.LOSSES and heads == "weighted" and (parts == 1 or self.ahead)
        self.losses: list[Tensor] = []
        self.total: TaskGradients | None = None
        self.decided: tuple[Decision, Gradients] | None = None

    @torch.autocast("cuda", enabled=False)  # inside autocast, products of gradients would be rounded to half
    @torch.autocast("cpu", enabled=False)
    def add(
        self,
        losses: Sequence[Tensor] | Tensor,
        features: Features,
        *,
        last_layer: Tensor | None = None,
        shared: Iterable[Tensor] = (),
        active: Tensor | None = None,
    ) -> None:
        """Takes one micro-batch; arguments as those of `backward`."""
        seed = self.loss_scale
        if self.parts > 1:
            seed = (1.0 if seed is None else seed) / self.parts
        values, graph = values_of(losses), HeadGraph(losses, features, seed)
        finite = torch.isfinite(values)
        active = finite if active is None else active & finite  # [T]
        self.losses.append(values)
        summed = self.foreseen and graph.entangled
        found = TaskGradients(values, active, [], [], None, seed)
        if not summed or (self.options["statistics"] is not None and self.decided is None):
            found = differentiate(
                graph, values, active, last_layer=last_layer, shared=shared, seed=seed, keep_graph=summed
            )
        if summed:
            self.decided = self.decided or self._decide(found)
            self._add_sum(graph, finite)
            return
        if self.ahead:
            self.decided = self.decided or self._decide(found)
            decision, result = self.decided
            apply(found, decision, result.active & found.active)
            self.decided = decision._replace(scope=None), result  # the weighter will not see the other parts
        elif self.parts == 1:
            self.total = found
        else:
            self._collect(found)

    @torch.autocast("cuda", enabled=False)
    @torch.autocast("cpu", enabled=False)
    def finish(self) -> Gradients:
        """Adds the update to `.grad`, as far as `add` has not; losses are the mean over the parts.

        Raises:
            ValueError: Not as many parts were added as announced.
        """
        if len(self.losses) != self.parts:
            raise ValueError(f"{self.parts} micro-batches were announced, {len(self.losses)} added")
        losses = self.losses[0] if self.parts == 1 else torch.stack(self.losses).mean(0)  # [T]
        if self.decided is not None:
            return self.decided[1]._replace(losses=losses)
        self.total.losses = losses
        self.total.active = self.total.active & torch.isfinite(losses)
        decision, result = self._decide(self.total)
        apply(self.total, decision, result.active)
        return result

    def _add_sum(self, graph: HeadGraph, finite: Tensor) -> None:
        """Adds the gradient of the weighted sum: one pass over decoders in which tasks read each other's features."""
        weights = self.decided[1].weights  # [T]
        at_maps, behind = graph.differentiate_sum(weights, finite.nonzero().flatten().tolist())
        for parameter, gradient in behind:
            add_gradient(parameter, gradient)
        one = weights.new_ones(1)
        touched = SharedGradients(graph.features, [at_maps], None, []).combine(one, one.bool(), None)
        average_gradients([parameter for parameter, _ in behind] + touched)

    def _decide(self, found: TaskGradients) -> tuple[Decision, Gradients]:
        return decide(found, self.weighter, **self.options, loss_scale=self.loss_scale)

    def _collect(self, found: TaskGradients) -> None:
        """Adds a part to the total."""
        if self.total is None:
            asked = [Scope(word) for word in (self.options["scope"], self.options["statistics"]) if word is not None]
            common = SummedGradients(found.common, Scope.FEATURES in asked)
            self.total = replace(found, common=common, seed=self.loss_scale)
            return
        total = self.total
        total.active = total.active | found.active
        total.own = [_sum_own(*pair) for pair in zip(total.own, found.own, strict=True)]
        total.joint = _sum_joint(total.joint, found.joint)
        total.common.add(found.common)


class SummedGradients(SharedGradients):
    """The gradients at the shared network, added up over micro-batches.

    The maps of different parts hold different images, so their Gramians add up, as those of processes do.

    Args:
        first: Those of the first part.
        features: Whether the Gramian at the features will be asked for.
    """

    def __init__(self, first: SharedGradients, features: bool) -> None:
        self.maps, self.encoder, self.refinements = first.maps, first.encoder, first.refinements
        self._last_layer = first._last_layer
        self._features = first.gramian(Scope.FEATURES) if features else None  # [T, T]
        self._sum = first.rows(Scope.SHARED, last=True)  # [T, P]

    def add(self, part: SharedGradients) -> None:
        """Adds those of another part."""
        if self._features is not None:
            self._features += part.gramian(Scope.FEATURES)
        self._sum += part.rows(Scope.SHARED, last=True)

    def gramian(self, scope: Scope, last: bool = False) -> Tensor:
        """Inner products of the summed task gradients at the scope. Shape [T, T], float64."""
        return self._features if scope is Scope.FEATURES else super().gramian(scope, last)

    def rows(self, scope: Scope, last: bool = False) -> Tensor:
        """The summed task gradients at parameters. Shape [T, P]."""
        if scope is Scope.SHARED:
            return self._sum
        sizes = [parameter.numel() for parameter in self.encoder]
        index = next(i for i, parameter in enumerate(self.encoder) if parameter is self.last_layer)
        start = sum(sizes[:index])
        return self._sum[:, start : start + sizes[index]]

    def combine(self, coefficients: Tensor, active: Tensor, scope: Scope | None) -> list[Tensor]:
        """Adds sum_t c_t g_t to `.grad` of the shared network, which every process already agrees on."""
        return self._add_flat(coefficients.to(self._sum) @ self._sum.masked_fill_(~active[:, None], 0.0))


def _sum_own(left: list[tuple[Tensor, Tensor]], right: list[tuple[Tensor, Tensor]]) -> list[tuple[Tensor, Tensor]]:
    """Gradients of one task's own parameters, added up."""
    total = {id(parameter): (parameter, gradient) for parameter, gradient in left}
    for parameter, gradient in right:
        known = total.get(id(parameter))
        total[id(parameter)] = (parameter, gradient if known is None else known[1] + gradient)
    return list(total.values())


def _sum_joint(left: JointGradients, right: JointGradients) -> JointGradients:
    """Gradients of parameters that several tasks reach, added up task by task."""
    total = {id(parameter): (parameter, dict(gradients)) for parameter, gradients in left}
    for parameter, gradients in right:
        known = total.setdefault(id(parameter), (parameter, {}))[1]
        for task, gradient in gradients.items():
            known[task] = known[task] + gradient if task in known else gradient
    return list(total.values())
