"""Accumulates the gradients of several micro-batches into one update, for batches that do not fit into memory."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Literal

import torch
from torch import Tensor

from mtl.engine.arguments import check_options, check_part, check_scope, scope_of
from mtl.engine.cut import Features
from mtl.engine.decision import Decision, Gradients, apply, decide
from mtl.engine.summed import add_part
from mtl.engine.task_gradients import TaskGradients, differentiate
from mtl.weighters.base import Needs, Scope, Weighter


class Accumulation:
    """Collects the gradients of micro-batches and makes one update of them, with one call of the weighter.

        accumulation = Accumulation(weighter, parts=2, scope="last_layer")
        for image, targets in halves:
            features = mtl.cut(encoder(image), T)
            accumulation.add([...], features, last_layer=encoder.conv.weight)
        accumulation.finish()

    `exact`: the update equals that of the whole batch to rounding, if the network has no BatchNorm and all parts have
    the same number of valid pixels. The weights are known only after the last part, so each part costs T passes over
    the encoder, and the T rows of all shared parameters stay in memory. Constant weights avoid this cost.
    `first`: the first part determines the weights, at the cost of plain accumulation. This is an approximation: the
    Gramian is noisier, losses and penalty are those of one part, and a task without labels in the first part is not
    trained in this update.

    With a single part this is `backward`, at the same cost.

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
        ValueError: An option is unknown, or the weighter makes an elementwise update, which needs the sum of the rows
            of all parts.
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
        check_scope(weighter, scope)
        statistics = None if statistics is None else scope_of(statistics, "statistics")
        self.weighter, self.parts, self.loss_scale = weighter, parts, loss_scale
        self.options: dict[str, Any] = {"scope": scope, "scale": scale, "heads": heads, "statistics": statistics}
        seen = [] if weighter.needs is Needs.LOSSES else [scope]
        self.asked = [*seen, statistics] if statistics is not None else seen  # scopes where task gradients are taken
        self.ahead = parts == 1 or mode == "first" or weighter.constant  # the first part decides the weights
        if parts > 1 and weighter.needs is Needs.GRADIENTS and (mode == "first" or scope is not Scope.SHARED):
            raise ValueError(
                f"{type(weighter).__name__} with micro-batches needs the sum of their rows: "
                "use accumulation exact at scope shared"
            )
        # weights that depend on no gradient can be applied to the sum of the losses
        self.sum_is_enough = weighter.needs is Needs.LOSSES and heads == "weighted" and self.ahead
        self.watcher: Callable[[list[list[Tensor]]], None] | None = None  # sees each part's task gradients at the maps
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
        """Adds one micro-batch; the arguments are those of `backward`.

        Raises:
            ValueError: As for `backward`, or all the parts have been added already.
        """
        if len(self.losses) == self.parts:
            raise ValueError(f"all {self.parts} micro-batches have been added: create an Accumulation for every update")
        scopes = self.asked
        shared = check_part(
            losses, features, self.weighter, scopes=scopes, last_layer=last_layer, shared=shared, active=active
        )
        seed = self.loss_scale
        if self.parts > 1:
            seed = (1.0 if seed is None else seed) / self.parts
        found = differentiate(
            losses,
            features,
            active,
            last_layer=last_layer,
            shared=shared,
            seed=seed,
            sum_is_enough=self.sum_is_enough,
            recorded=self.options["statistics"] is not None and self.decided is None,
        )
        self.losses.append(found.losses)
        if self.watcher is not None:
            self.watcher(found.common.at_maps)
        if self.ahead:
            self._apply(found)
        else:
            self.total = add_part(self.total, found, Scope.FEATURES in scopes, self.loss_scale)

    @torch.autocast("cuda", enabled=False)
    @torch.autocast("cpu", enabled=False)
    def finish(self) -> Gradients:
        """Adds what `add` has not yet added to `.grad`; the losses in the result are the mean over the parts.

        Raises:
            ValueError: A part is missing, or the update has been made already.
        """
        if len(self.losses) != self.parts:
            raise ValueError(
                f"{len(self.losses)} of {self.parts} micro-batches added: call add for each of them before finish"
            )
        if self.finished:
            raise ValueError("finish has already made the update: create an Accumulation for every update")
        self.finished = True
        losses = self.losses[0] if self.parts == 1 else torch.stack(self.losses).mean(0)  # [T]
        if self.total is not None:
            self.total.losses = losses
            self._apply(self.total)
        assert self.decided is not None  # there is at least one part
        return self.decided[1]._replace(losses=losses)

    def _apply(self, found: TaskGradients) -> None:
        """Adds the update to `.grad`; of several parts, the first one decides and `broken` is collected over all."""
        if self.decided is None:
            decision, result = decide(found, self.weighter, **self.options, loss_scale=self.loss_scale)
            apply(found, decision, result.active)
        else:
            decision, result = self.decided
            apply(found, decision, result.active & found.usable)
            result = result._replace(broken=result.broken | (found.active & ~found.usable))
        self.decided = decision._replace(scope=None), result  # the weighter will not see the other parts
