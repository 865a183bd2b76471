"""Branched multi-task networks: tasks share the encoder up to where a tree separates them.

Vandenhende et al., Branched Multi-Task Networks: Deciding What Layers to Share, BMVC 2020.
https://arxiv.org/abs/1904.02920
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from copy import deepcopy
from typing import cast

from torch import Tensor, nn

from mtl.backbones import Backbone
from mtl.backbones.stages import NAMES, Stages
from mtl.models.base import MultiTaskModel, Outputs
from mtl.task import Task

Tree = Mapping[str, Sequence[Sequence[str]] | None]


class Trunk(Backbone):
    """The stem and the first stages of a residual network.

    Args:
        stages: The whole network.
        count: How many of its five parts are kept.
        multiple: Sides of the image must be multiples of it.
    """

    def __init__(self, stages: Stages, count: int, multiple: int) -> None:
        super().__init__()
        self.parts = stages.parts[:count]
        self.channels, self.strides, self.multiple = [stages.widths[count - 1]], [stages.strides[count - 1]], multiple

    def forward(self, image: Tensor) -> list[Tensor]:
        """The map behind the last stage, in a list."""
        x = image
        for part in self.parts:
            x = part(x)
        return [x]

    def regions(self) -> list[nn.Module]:
        """Stem and stages."""
        return list(self.parts)

    @property
    def last_layer(self) -> nn.Parameter:
        """Weight of the last convolution on the residual path."""
        last = cast("nn.Sequential", self.parts[-1])
        layers = last[-1].children() if len(self.parts) > 1 else last.modules()  # of the last block, or of the stem
        return cast("nn.Parameter", [layer for layer in layers if isinstance(layer, nn.Conv2d)][-1].weight)


class Branched(MultiTaskModel):
    """Every stage of the encoder has a copy for each group of tasks that share it.

    The tree names, for the first stage at which tasks part and for any later one, the groups of tasks. A stage without
    groups has those of the stage before. With a single task this is the vanilla network.

    - Shared parameters: the stem and the stages before the first that the tree names. The graph is cut behind them.
    - Last shared layer: the last convolution of these.
    - Task parameters: stages and head of a task alone.
    - Parameters after the cut that several tasks reach: stages of groups of two or more (`joint_parameters`). They
      get the weighted sum of their tasks' gradients. The engine needs a backward pass through such a stage for each of
      its tasks, but only one for methods that weight losses.

    `scripts/branch_tree.py` finds a tree for trained single-task networks.

    Deviations from the paper: the copies of a stage start from the same weights.

    Args:
        tasks: The tasks, in their order.
        backbone: A residual network of four stages.
        head: Builds a head from `in_channels`, `out_channels` and `bias`; a head maps (features, size) to a
            prediction.
        tree: Groups of tasks by stage. Tasks that are not trained are left out of them.

    Raises:
        ValueError: A stage misses a task or has it twice, or joins tasks that an earlier stage has separated.
    """

    def __init__(
        self, tasks: Sequence[Task], backbone: Backbone, head: Callable[..., nn.Module], *, tree: Tree
    ) -> None:
        stages = Stages(backbone, "branched")
        names = [task.name for task in tasks]
        groups = groups_of(tree, names)
        first = next((index for index, parts in enumerate(groups) if len(parts) > 1), len(NAMES))
        super().__init__(tasks, Trunk(stages, first + 1, backbone.multiple))
        self.groups = groups[first:]
        self.branches = nn.ModuleList(
            nn.ModuleList(deepcopy(stages.parts[first + 1 + place]) for _ in parts)
            for place, parts in enumerate(self.groups)
        )
        self.heads = nn.ModuleDict(
            {
                task.name: head(in_channels=stages.widths[-1:], out_channels=task.channels, bias=task.bias)
                for task in tasks
            }
        )

    def decode(self, features: Sequence[Sequence[Tensor]], size: tuple[int, int]) -> Outputs:
        """Predictions of all tasks; a stage is computed once for a group, from the copy of its first task."""
        maps = {name: x for name, (x,) in zip(self.task_names, features, strict=True)}
        for parts, copies in zip(self.groups, cast("Iterable[nn.ModuleList]", self.branches), strict=True):
            for group, stage in zip(parts, copies, strict=True):
                maps |= dict.fromkeys(group, stage(maps[group[0]]))
        return Outputs(final={name: head([maps[name]], size) for name, head in self.heads.items()})

    def regions(self) -> list[nn.Module]:
        """Modules to compile one by one: those of the trunk, the stages of single tasks, and the heads."""
        alone = [stage for group, stage in self._stages() if len(group) == 1]
        return [*super().regions(), *alone, *self.heads.values()]

    def _stages(self) -> list[tuple[Sequence[str], nn.Module]]:
        """Every copy of a stage, with its tasks."""
        return [
            pair
            for parts, copies in zip(self.groups, cast("Iterable[nn.ModuleList]", self.branches), strict=True)
            for pair in zip(parts, copies, strict=True)
        ]

    def joint_parameters(self) -> list[nn.Parameter]:
        """Parameters of the stages that two or more tasks share behind the cut."""
        return [p for group, stage in self._stages() if len(group) > 1 for p in stage.parameters()]

    def task_parameters(self, name: str) -> list[nn.Parameter]:
        """Parameters of the stages that only this task has, and of its head."""
        alone = [stage for group, stage in self._stages() if list(group) == [name]]
        return [p for module in (*alone, self.heads[name]) for p in module.parameters()]


def groups_of(tree: Tree, names: Sequence[str]) -> list[list[list[str]]]:
    """For each of the four stages, the groups of these tasks that share it.

    Raises:
        ValueError: A stage is unknown, misses a task or has it twice, or joins tasks that are separate before.
    """
    if unknown := [stage for stage in tree if stage not in NAMES]:
        raise ValueError(f"model.network.tree.{unknown[0]}: the stages are {', '.join(NAMES)}")
    current, found = [list(names)], []
    for stage in NAMES:
        if given := tree.get(stage):
            kept = [[name for name in names if name in group] for group in given]
            parts = [group for group in kept if group]
            listed = [name for group in parts for name in group]
            wrong = [name for name in names if listed.count(name) != 1]
            if wrong:
                raise ValueError(
                    f"model.network.tree.{stage} has {wrong[0]} {listed.count(wrong[0])} times: name every task once"
                )
            for group in parts:
                if not any(set(group) <= set(before) for before in current):
                    raise ValueError(
                        f"model.network.tree.{stage} joins {' and '.join(group)}, which an earlier stage has separated"
                    )
            current = parts
        found.append(current)
    return found
