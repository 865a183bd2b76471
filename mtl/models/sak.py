"""SAK: tasks mix the features of a stem and of paths that keep what foundation models know.

Lu, Cao, Wang, Swiss Army Knife: Synergizing Biases in Knowledge from Vision Foundation Models for Multi-Task Learning,
ICLR 2025. https://arxiv.org/abs/2410.14633
"""

from collections.abc import Callable, Sequence
from functools import reduce
from typing import Annotated, cast

import torch
import torch.nn.functional as F
from annotated_types import Ge
from torch import Tensor, nn

from mtl.backbones import Adapted, Backbone
from mtl.backbones.adapted import small
from mtl.models.base import MultiTaskModel, Outputs
from mtl.task import Task

NOISE = 0.01  # smallest deviation of the noise


class Mixture(nn.Module):
    """Mixes maps of one size, with shares that depend on the first of them.

    A router (linear layer, LayerNorm, GELU, linear layer) reads the tokens of the first map; the mean of its output
    over tokens has a logit and a noise level for every map. The shares are the softmax of the logits, in training with
    noise: logit + N(0, 1) (softplus(level) + 0.01).

    Args:
        channels: Channels C of each map.
        maps: Number of maps.
    """

    def __init__(self, channels: int, maps: int) -> None:
        super().__init__()
        hidden = channels // 2
        self.router = nn.Sequential(small(channels, hidden), nn.LayerNorm(hidden), nn.GELU(), small(hidden, 2 * maps))

    def forward(self, maps: Sequence[Tensor]) -> Tensor:
        """The mixture of the maps, all of shape [B, C, H, W]."""
        logits, levels = self.router(maps[0].flatten(2).mT).mean(1).chunk(2, dim=1)  # [B, maps] each
        if self.training:
            logits = logits + torch.randn_like(logits) * (F.softplus(levels) + NOISE)
        shares = logits.softmax(dim=1)[..., None, None, None].unbind(1)  # [B, 1, 1, 1] each
        return reduce(torch.add, (share * m for share, m in zip(shares, maps, strict=True)))


class SAK(MultiTaskModel):
    """A transformer (the stem) with a path of adaptors for each of K foundation models; each task mixes all of them.

    After every tap of the stem, a `Mixture` of the task mixes its map and those of the paths; the head reads the four
    mixtures. Stem and paths are `mtl.backbones.Adapted`. `distil=sak`, which this model chooses, trains each path
    towards the features of its foundation model, as an objective of no task; `distil=none` leaves it out. With a single
    task this is the single-task network: the same with one head.

    - Shared parameters: stem and paths; the graph is cut behind the taps, at 4 (K + 1) maps.
    - Last shared layer: the stem's last linear layer, before the last adaptors.
    - Task parameters: a router for each tap, and the head.

    Deviations from the paper: this is its stage 2. Stage 1, which trains the network for the foundation models alone
    on ImageNet-1K, is not here, so paths start from scratch. The linear layers that map the width of the stem to that
    of a foundation model, where they differ, belong to the objective. The noise of routers comes from torch's
    generator, which processes seed alike, as dropout does.

    Args:
        tasks: The tasks, in their order.
        backbone: A `ViT`.
        head: Builds a head from `in_channels`, `out_channels` and `bias`; a head maps (features, size) to a
            prediction.
        paths: Number K of paths.
        reduction: Channels of the tokens per channel of an adaptor's hidden layer.
    """

    def __init__(
        self,
        tasks: Sequence[Task],
        backbone: Backbone,
        head: Callable[..., nn.Module],
        *,
        paths: Annotated[int, Ge(1)],
        reduction: Annotated[int, Ge(1)],
    ) -> None:
        super().__init__(tasks, Adapted(backbone, paths, reduction))
        channels = backbone.channels
        self.count, self.taps = paths, len(channels)
        self.mixtures, self.heads = nn.ModuleDict(), nn.ModuleDict()
        for task in tasks:
            self.mixtures[task.name] = nn.ModuleList(Mixture(width, paths + 1) for width in channels)
            self.heads[task.name] = head(in_channels=channels, out_channels=task.channels, bias=task.bias)

    def decode(self, features: Sequence[Sequence[Tensor]], size: tuple[int, int]) -> Outputs:
        """Predictions of all tasks, each from its own mixtures."""
        final = {}
        for name, maps in zip(self.task_names, features, strict=True):
            mixtures = cast("nn.ModuleList", self.mixtures[name])
            mixed = [mixture(maps[tap :: self.taps]) for tap, mixture in enumerate(mixtures)]
            final[name] = self.heads[name](mixed, size)
        return Outputs(final=final)

    def paths(self, teachers: int) -> list[list[int]]:
        """For each foundation model, the places of the maps of its path.

        Raises:
            ValueError: The network is made for another number of them.
        """
        if teachers != self.count:
            raise ValueError(
                f"model=sak has {self.count} paths, but weighter.distil.teachers has {teachers} foundation models: "
                f"use model.network.paths={teachers}"
            )
        return [[self.taps * (path + 1) + tap for tap in range(self.taps)] for path in range(teachers)]

    def regions(self) -> list[nn.Module]:
        """Modules to compile one by one: the blocks of the stem, and the heads."""
        return [*super().regions(), *self.heads.values()]

    def task_parameters(self, name: str) -> list[nn.Parameter]:
        """Parameters of the task's routers and head."""
        return [*self.mixtures[name].parameters(), *self.heads[name].parameters()]
