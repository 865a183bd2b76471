"""Trains the rotations of RotoGrad, so that the gradients of the tasks at the shared features become alike.

Javaloy and Valera, RotoGrad: Gradient Homogenization in Multitask Learning, ICLR 2022.
https://arxiv.org/abs/2103.02631
"""

from collections.abc import Sequence
from typing import Any, Protocol

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from mtl.engine.cut import Features
from mtl.engine.distributed import sum_over_ranks, world_size
from mtl.engine.heads import HeadGraph
from mtl.engine.shared import at_least_float32, gramian

EPS = 1e-30  # of Adam: gradients of gradients are tiny, and their scale means nothing
NONE = 1e-30  # a gradient no longer than this has no direction


class Rotation(Protocol):
    """Rotations R_t between the cut and the heads, `mtl.layers.Rotation`."""

    turns: Sequence[Tensor]  # of each map, [T, m, m]


class RotationLearner(nn.Module):
    """Turns the R_t towards a common direction of the task gradients, with an optimizer of its own.

    With g_t the gradient of task t at its copy of a map, n_t its length over all maps and N places,

        v = mean_t g_t |mean_s g_s| / n_t,    L_t = mean over places of |R_t v - R_t g_t|^2

    where v and R_t g_t, the gradient behind the rotation, are constants. The slope dL_t/dR_t is 2/N times
    (R_t v v^T - R_t g_t v^T), so sums of the products g_s g_t^T over places, micro-batches and processes are enough.
    R_t = expm(S_t) with S_t skew-symmetric, from 0. Cost: T^2 products of m x m numbers at every place, and T matrix
    exponentials of size m a map; no pass over the network.

    Args:
        rotation: The rotations, which are changed in place.
        network: Optimizer of the network, whose learning rate is followed.
        factor: Learning rate of the rotations, as a share of that of the network.

    Deviations from the paper: its optimizer and learning rate of rotations are open; here Adam, without weight decay.
    The norm n_t is taken over all maps; each map has its own rotations. R_t is the exponential of the skew part of an
    unconstrained matrix. Tasks without a gradient count for nothing.
    """

    def __init__(self, rotation: Rotation, network: Optimizer, factor: float) -> None:
        super().__init__()
        self.rotation, self.network, self.factor = [rotation], network, factor  # a list, so that it is not a part
        self.skew = nn.ParameterList(torch.zeros_like(turn, dtype=torch.float64) for turn in rotation.turns)
        self.optimizer = torch.optim.Adam(self.parameters(), eps=EPS)
        self.checked = False
        self.zero_grad()

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forgets the gradients of the last batch."""
        super().zero_grad(set_to_none)
        self.products: list[Tensor] = [torch.zeros(()).double()] * len(self.skew)  # of each map, [T, m, T, m]
        self.gramian, self.places = torch.zeros(()).double(), [0] * len(self.skew)  # [T, T], and N of each map

    def check(self, losses: Sequence[Tensor], features: Features) -> None:
        """Checks, once, that every head reads its own copy of the features only.

        Raises:
            ValueError: The heads read each other's.
        """
        if not self.checked and HeadGraph(losses, features).entangled:
            raise ValueError("rotations need heads that do not read each other's features: use model=vanilla or mtan")
        self.checked = True

    @torch.no_grad()
    def observe(self, at_maps: Sequence[Sequence[Tensor]]) -> None:
        """Adds the products of the gradients of one micro-batch at the maps: T lists of [B, C, H, W]."""
        for index, (skew, *gradients) in enumerate(zip(self.skew, *at_maps, strict=True)):
            rows = torch.stack([at_least_float32(g).transpose(0, 1).flatten(1) for g in gradients])  # [T, C, N]
            self.gramian = self.gramian.to(rows.device) + gramian(rows.flatten(1))
            front = rows[:, : skew.shape[-1]].flatten(0, 1)  # [T m, N]
            products = (front @ front.T).double().unflatten(0, skew.shape[:2]).unflatten(2, skew.shape[:2])
            self.products[index] = self.products[index].to(rows.device) + products
            self.places[index] += rows.shape[-1]

    def slopes(self, scale: float = 1.0) -> list[Tensor]:
        """dL_t/dR_t of each map, from gradients that hold a factor. Shape [T, m, m] each, float64."""
        processes = world_size()
        size = processes * scale
        gramian = sum_over_ranks(self.gramian) / size**2
        lengths = gramian.diagonal().sqrt()  # [T], n_t
        there = lengths > NONE
        count = there.sum().clamp(min=1)
        mean = gramian.sum().clamp(min=0).sqrt() / count
        shares = torch.where(there, mean / (lengths.masked_fill(~there, 1.0) * count), 0.0)  # v = sum_t shares_t g_t
        found = []
        for products, places, turn in zip(self.products, self.places, self.rotation[0].turns, strict=True):
            crossed = torch.einsum("tisj,s->tij", sum_over_ranks(products) / size**2, shares)  # [T, m, m], g_t v^T
            square = torch.einsum("tij,t->ij", crossed, shares)  # v v^T
            found.append(2 / (places * processes) * turn.double() @ (square - crossed) * there[:, None, None])
        return found

    def after_step(self, scaler: torch.amp.GradScaler | None = None) -> None:
        """Turns the rotations; call it after a step of the network's optimizer.

        Args:
            scaler: The gradient scaler of mixed precision, if used.
        """
        slopes = self.slopes(1.0 if scaler is None else scaler.get_scale())
        for skew, slope in zip(self.skew, slopes, strict=True):
            (turn_of(skew) * slope).sum().backward()
        self.optimizer.param_groups[0]["lr"] = self.factor * float(self.network.param_groups[0]["lr"])
        self.optimizer.step()
        with torch.no_grad():
            for turn, skew in zip(self.rotation[0].turns, self.skew, strict=True):
                turn.copy_(turn_of(skew))

    def get_extra_state(self) -> dict[str, Any]:
        """What `state_dict` holds in addition to the skew-symmetric matrices."""
        return self.optimizer.state_dict()

    def set_extra_state(self, state: dict[str, Any]) -> None:
        """Restores it; called by `load_state_dict`."""
        self.optimizer.load_state_dict(state)


def turn_of(matrix: Tensor) -> Tensor:
    """The rotation of a matrix: the exponential of its upper triangle minus the transpose. Shape [T, m, m]."""
    return torch.linalg.matrix_exp(matrix.triu(1) - matrix.triu(1).mT)
