"""One update from several micro-batches, for batches that do not fit into memory at once."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any, Literal

import torch
from torch import Tensor

from mtl.engine.arguments import (
    check_active,
    check_features,
    check_losses,
    check_options,
    check_paths,
    check_scopes,
    parameters_of,
    scope_of,
)
from mtl.engine.cut import Features
from mtl.engine.decision import Decision, Gradients, apply, decide
from mtl.engine.distributed import average_gradients, mean_over_ranks
from mtl.engine.heads import HeadGraph
from mtl.engine.shared import SharedGradients, add_gradient
from mtl.engine.summed import SummedGradients, sum_joint, sum_own
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
        ValueError: An option is unknown, or the weighter makes an elementwise update, which takes the sum of all
            parts' rows.
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
        check_options(weighter, parts, mode, scale, heads, loss_scale)
        scope = scope_of(scope, "scope")
        statistics = None if statistics is None else scope_of(statistics, "statistics")
        self.weighter, self.parts, self.loss_scale = weighter, parts, loss_scale
        self.options: dict[str, Any] = {"scope": scope, "scale": scale, "heads": heads, "statistics": statistics}
        seen = [] if weighter.needs is Needs.LOSSES else [scope]
        self.asked = [*seen, statistics] if statistics is not None else seen  # scopes where task gradients are taken
        self.ahead = parts > 1 and (mode == "first" or weighter.constant)  # weights are known before the last part
        if parts > 1 and weighter.needs is Needs.GRADIENTS and (mode == "first" or scope is not Scope.SHARED):
            raise ValueError(
                f"{type(weighter).__name__} with micro-batches needs the sum of their rows: "
                "use accumulation exact at scope shared"
            )
        # where no gradient enters the weights, no task's gradient need be kept apart
        self.foreseen = weighter.needs is Needs.LOSSES and heads == "weighted" and (parts == 1 or self.ahead)
        self.losses: list[Tensor] = []
        self.finished = False
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
        """Takes one micro-batch; arguments as those of `backward`.

        Raises:
            ValueError: As `backward` does, or all the parts have been added.
        """
        if len(self.losses) == self.parts:
            raise ValueError(f"all {self.parts} micro-batches have been added: make an Accumulation for every update")
        seed = self.loss_scale
        if self.parts > 1:
            seed = (1.0 if seed is None else seed) / self.parts
        check_features(features, self.weighter)
        check_losses(losses, len(features))
        check_scopes(self.asked, features, last_layer)
        shared, values = parameters_of(shared), values_of(losses)
        check_active(active, values)
        graph = HeadGraph(losses, features, seed)
        check_paths(graph.reached, features)
        features.used = True
        active = torch.ones_like(values, dtype=torch.bool) if active is None else active
        summed = self.foreseen and graph.entangled
        if not summed or (self.options["statistics"] is not None and self.decided is None):
            found = differentiate(
                graph, values, active, last_layer=last_layer, shared=shared, seed=seed, keep_graph=summed
            )
        else:
            found = TaskGradients(mean_over_ranks(values), active, active, [], [], None, seed)
        self.losses.append(found.losses)
        if summed:
            found.intact = torch.ones_like(active)  # with a record or without, the update is the same
            self._decide_once(found)
            self._add_sum(graph, torch.isfinite(found.losses))
        elif self.ahead:
            decision, result = self._decide_once(found)
            apply(found, decision, result.active & found.usable)
            self.decided = decision._replace(scope=None), self.decided[1]  # the weighter will not see the other parts
        elif self.parts == 1:
            self.total = found
        else:
            self._collect(found)

    @torch.autocast("cuda", enabled=False)
    @torch.autocast("cpu", enabled=False)
    def finish(self) -> Gradients:
        """Adds the update to `.grad`, as far as `add` has not; losses are the mean over the parts.

        Raises:
            ValueError: Not as many parts were added as announced, or the update has been made.
        """
        if len(self.losses) != self.parts:
            raise ValueError(f"{self.parts} micro-batches were announced, {len(self.losses)} added")
        if self.finished:
            raise ValueError("finish has made the update: make an Accumulation for every update")
        self.finished = True
        losses = self.losses[0] if self.parts == 1 else torch.stack(self.losses).mean(0)  # [T]
        if self.decided is not None:
            return self.decided[1]._replace(losses=losses)
        self.total.losses = losses
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

    def _decide_once(self, found: TaskGradients) -> tuple[Decision, Gradients]:
        """Decides by the first part; of the others, keeps in the result which tasks had to be left out."""
        if self.decided is None:
            self.decided = self._decide(found)
        else:
            decision, result = self.decided
            self.decided = decision, result._replace(broken=result.broken | (found.active & ~found.usable))
        return self.decided

    def _collect(self, found: TaskGradients) -> None:
        """Adds a part to the total."""
        if self.total is None:
            common = SummedGradients(found.common, Scope.FEATURES in self.asked)
            self.total = replace(found, common=common, seed=self.loss_scale)
            return
        total = self.total
        total.active, total.intact = total.active | found.active, total.intact & found.intact
        total.own = [sum_own(*pair) for pair in zip(total.own, found.own, strict=True)]
        total.joint = sum_joint(total.joint, found.joint)
        total.common.add(found.common)
