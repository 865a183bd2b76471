"""Task gradients at the shared network, at any scope, and the update computed from them."""

from collections import deque
from collections.abc import Sequence
from functools import reduce

import torch
from torch import Tensor

from mtl.engine.cut import Features
from mtl.engine.distributed import mean_over_ranks, sum_over_ranks, world_size
from mtl.weighters.base import Scope

PIECE = 2**16  # inner products are float32 within a piece and float64 over pieces: right to six digits at no cost
JointGradients = list[tuple[Tensor, dict[int, Tensor]]]  # parameters that several tasks reach, with each one's gradient


class SharedGradients:
    """The gradients of T losses at the shared network, computed on request at each scope.

    Args:
        features: Result of `cut`.
        at_maps: Gradient of each loss at each encoder map. T lists of tensors shaped like the maps.
        last_layer: Weight of the encoder's last layer; only scope `last_layer` needs it.
        refinements: Parameters of the shared network behind the cut.
        aside: Gradient of an objective of no task at each map that is trained. It is part of every update, with factor
            1, and of nothing else; empty: there is none.
    """

    def __init__(
        self,
        features: Features,
        at_maps: Sequence[Sequence[Tensor]],
        last_layer: Tensor | None,
        refinements: JointGradients,
        aside: Sequence[Tensor] = (),
    ) -> None:
        self.maps = [m for m in features.maps if m.requires_grad]  # a frozen encoder has none
        self.at_maps = [
            [g for m, g in zip(features.maps, gradients, strict=True) if m.requires_grad] for gradients in at_maps
        ]
        self.refinements, self.aside = refinements, aside
        self.encoder = features.encoder[0]  # parameters that the maps depend on
        self.last_layer = last_layer
        self._rows: dict[Scope, Tensor] = {}
        self._aside_rows: dict[Scope, Tensor] = {}

    @property
    def parameters(self) -> list[Tensor]:
        """All shared parameters, in the order of the rows."""
        return self.encoder + [parameter for parameter, _ in self.refinements]

    def gramian(self, scope: Scope, last: bool = False) -> Tensor:
        """Inner products of the task gradients at the scope. Shape [T, T], float64.

        Args:
            scope: Where.
            last: As for `rows`.
        """
        if scope is Scope.FEATURES:
            return self._feature_gramian()
        return gramian(self.rows(scope, last))

    def rows(self, scope: Scope, last: bool = False) -> Tensor:
        """The task gradients themselves, averaged over processes unless the scope is `features`. Shape [T, P].

        Args:
            scope: Where.
            last: Whether no further task gradients will be requested. Those at all shared parameters then make the
                update, so the encoder's graph is freed.
        """
        if scope not in self._rows:
            if scope is Scope.FEATURES:
                self._rows[scope] = torch.stack([torch.cat([g.flatten() for g in task]) for task in self.at_maps])
                return self._rows[scope]
            if scope is Scope.LAST_LAYER:
                assert self.last_layer is not None  # by check_part
                rows = self._parameter_rows([self.last_layer], [])
            else:
                rows = self._parameter_rows(self.encoder, self.refinements, keep_graph=not last)
            self._rows[scope] = rows[: len(self.at_maps)]
            if self.aside:
                self._aside_rows[scope] = rows[-1]
        return self._rows[scope]

    def combine(self, coefficients: Tensor, active: Tensor, scope: Scope | None) -> list[Tensor]:
        """Adds sum_t c_t g_t to `.grad` of the shared network; returns the parameters not yet averaged over processes.

        If the weighter saw rows of all shared parameters, these are combined directly. Otherwise the combined feature
        gradient passes through the encoder once; if there are rows of the last layer, that layer is left out of the
        pass. Rows computed only for logging are not used: logging must not change a bit of the update.

        Args:
            coefficients: The c_t. Shape [T].
            active: Tasks that take part. Shape [T], bool.
            scope: Where the weighter saw the task gradients; None: nowhere.
        """
        rows = None if scope is None or scope is Scope.FEATURES else self._rows.get(scope)  # [T, P]
        self._rows.clear()
        combined = None if rows is None else coefficients.to(rows) @ rows.masked_fill_(~active[:, None], 0.0)  # [P]
        if combined is not None and scope in self._aside_rows:
            combined = combined + self._aside_rows[scope]
        del rows  # frees memory for the pass over the encoder
        if scope is Scope.SHARED and combined is not None:
            return self._add_flat(combined)
        at_maps = [combination(dict(enumerate(g)), coefficients, active) for g in zip(*self.at_maps, strict=True)]
        return self.propagate(at_maps, combined) + self._refine(coefficients, active)

    def follow(self, direction: Tensor, scope: Scope | None, coefficients: Tensor, active: Tensor) -> list[Tensor]:
        """Adds a given update [P] to `.grad`; returns the parameters not yet averaged over processes.

        A direction at the features does not determine the refinements behind them: those get sum_t c_t g_t.
        """
        if scope is Scope.LAST_LAYER:
            raise ValueError(
                "an elementwise update of the last layer does not determine the layers before it: use scope features"
            )
        if scope is Scope.SHARED:
            return self._add_flat(direction + self._aside_rows[scope] if self.aside else direction)
        parts = direction.split([m.numel() for m in self.maps])
        at_maps = [part.view_as(m) for part, m in zip(parts, self.maps, strict=True)]
        return self.propagate(at_maps) + self._refine(coefficients, active)

    def _add_flat(self, update: Tensor) -> list[Tensor]:
        """Adds an update of all shared parameters that is already the same in every process."""
        parts = update.split([parameter.numel() for parameter in self.parameters])
        for parameter, part in zip(self.parameters, parts, strict=True):
            add_gradient(parameter, part.view_as(parameter))
        return []

    def _refine(self, coefficients: Tensor, active: Tensor) -> list[Tensor]:
        for parameter, gradients in self.refinements:
            add_gradient(parameter, combination(gradients, coefficients, active))
        return [parameter for parameter, _ in self.refinements]

    def propagate(self, at_maps: list[Tensor], at_last_layer: Tensor | None = None) -> list[Tensor]:
        """One pass over the encoder; leaves out the last layer's weight if its gradient [P] is given."""
        self.at_maps.clear()  # no longer needed; frees memory for this pass
        self._rows.clear()
        if self.aside:
            at_maps = [task + other for task, other in zip(at_maps, self.aside, strict=True)]
        asked = self.encoder
        if at_last_layer is not None and self.last_layer is not None:
            add_gradient(self.last_layer, at_last_layer.view_as(self.last_layer))
            asked = [parameter for parameter in asked if parameter is not self.last_layer]
        if asked:
            torch.autograd.backward(self.maps, at_maps, inputs=asked)
        return self.encoder

    def _parameter_rows(self, parameters: list[Tensor], refinements: JointGradients, keep_graph: bool = True) -> Tensor:
        """T vector-Jacobian products from the maps to the parameters, then the refinements. Shape [T, P].

        The objective of no task adds a row.
        """
        size = sum(p.numel() for p in parameters) + sum(p.numel() for p, _ in refinements)
        like = next(iter([*parameters, *(p for p, _ in refinements)]), torch.empty(0))
        objectives = [*self.at_maps, self.aside] if self.aside else self.at_maps
        rows = like.new_empty(len(objectives), size)  # [T, P], or [T + 1, P]
        for row, task, seeds in zip(rows, range(len(rows)), objectives, strict=True):
            parts: deque[Tensor] = deque()
            if parameters:
                keep = keep_graph or task < len(rows) - 1
                parts += torch.autograd.grad(self.maps, parameters, seeds, retain_graph=keep, materialize_grads=True)
            parts += [g[task] if task in g else torch.zeros_like(p) for p, g in refinements]
            start = 0
            while parts:
                part = parts.popleft()  # frees it: the row holds a copy
                row[start : start + part.numel()] = part.flatten()
                start += part.numel()
        return mean_over_ranks(rows)

    def _feature_gramian(self) -> Tensor:
        """Gramian at the maps without a copy of the rows.

        The rows run over B, C, H, W, so those of different processes do not overlap and their Gramians add up. Each
        process holds the gradient of its own mean, hence the division by the squared number of processes.
        """
        flat = [[at_least_float32(g).flatten() for g in task] for task in self.at_maps]
        products = flat[0][0].new_empty(len(flat), len(flat), dtype=torch.float64)  # [T, T]
        for s, left in enumerate(flat):
            for t, right in enumerate(flat[: s + 1]):
                products[s, t] = products[t, s] = sum(inner(a, b) for a, b in zip(left, right, strict=True))
        return sum_over_ranks(products).div_(world_size() ** 2)


def at_least_float32(tensor: Tensor) -> Tensor:
    """The tensor, converted to float32 if it is half precision."""
    return tensor.float() if tensor.dtype.itemsize < 4 else tensor


def combination(gradients: dict[int, Tensor], coefficients: Tensor, active: Tensor) -> Tensor:
    """sum_t c_t g_t over the tasks that have a gradient here; an inactive task adds nothing, not even NaN.

    Returns a new tensor: autograd may return the same gradient for several leaves, so none is changed in place.
    """
    parts = ((g * coefficients[task].to(g)).masked_fill_(~active[task], 0.0) for task, g in gradients.items())
    return reduce(torch.add, parts)


def add_gradient(parameter: Tensor, gradient: Tensor) -> None:
    """Adds to `.grad` as autograd would, in the layout of the parameter: fused optimizers read memory in its order."""
    if gradient.stride() != parameter.stride():
        gradient = torch.empty_like(parameter).copy_(gradient)
    parameter.grad = gradient if parameter.grad is None else parameter.grad + gradient


def gramian(rows: Tensor) -> Tensor:
    """Inner products of rows [T, P]. Shape [T, T], float64."""
    whole = rows.shape[1] // PIECE * PIECE
    body, rest = rows[:, :whole].unflatten(1, (-1, PIECE)).transpose(0, 1), rows[:, whole:]  # [N, T, PIECE], [T, R]
    return (body @ body.mT).double().sum(0) + (rest @ rest.T).double()


def inner(left: Tensor, right: Tensor) -> Tensor:
    """Inner product of two tensors of one shape. Scalar, float64."""
    left, right = left.flatten(), right.flatten()
    whole = len(left) // PIECE * PIECE
    body = left[:whole].view(-1, 1, PIECE) @ right[:whole].view(-1, PIECE, 1)
    return body.double().sum() + torch.dot(left[whole:], right[whole:]).double()
