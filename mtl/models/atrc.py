"""ATRC: each task attends to the features of every task, in a context chosen for each pair.

Brueggemann et al., Exploring Relational Context for Multi-Task Dense Prediction, ICCV 2021.
https://arxiv.org/abs/2104.13874
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Literal, cast

import torch
from annotated_types import Ge, Interval
from torch import Tensor, nn

from mtl.backbones import Backbone, Joined
from mtl.layers import ContextBlock, ConvBNReLU, output_layer, resize
from mtl.layers.context import LABELS, Context
from mtl.models.base import MultiTaskModel, Outputs
from mtl.task import Task

Word = Literal["global", "local", "tlabel", "slabel"]


class ATRC(MultiTaskModel):
    """Each task adds to its features the context that it finds in the features of all tasks.

    With x the shared map and C_ts the `ContextBlock` of target t and source s,

        F_t = features_t(x)                              3x3 convolution
        R_t = fuse_t(C_t1(F_t, F_1) .. C_tT(F_t, F_T))   1x1 convolution and BatchNorm, whose weight starts at 0
        P_t = output_t(mix_t(F_t, R_t))

    so that at first every task reads its own features only. Contexts `tlabel` and `slabel` need coarse labels,
    which 1x1 convolutions predict from x with a loss of their own; x gets no gradient from that loss. With a single
    task this is the single-task network: the task attends to itself.

    - Shared parameters: the encoder. The maps of an HRNet are joined at the finest; the graph is cut behind that.
    - Last shared layer: that of the encoder.
    - Task parameters: all convolutions in which the task is the target, and those of its coarse labels.
    - Parameters after the cut that several tasks reach: each other's features and, with `slabel`, coarse labels. They
      get the weighted sum of the task gradients. The engine needs T backward passes through the decoder, but only one
      for methods that weight losses.
    - A task's loss is that of its prediction, plus that of its coarse labels if there are any.

    Deviations from the paper: contexts are given, not searched for; `atrc_nyud` and `atrc_pascal` have those that the
    authors found. Coarse labels of depth and normals: see `mtl.losses.coarse`.

    Args:
        tasks: The tasks, in their order. Contexts of labels need their `coarse`.
        backbone: Any encoder. Of a vision transformer, only the last map is read.
        head: Ignored; the decoder has its own.
        context: One kind for all pairs, or for each target the kind for each source; `none` leaves the pair out.
        reduction: Channels of the map per channel of a task's features.
        inner_reduction: Channels of a task's features per channel of queries, keys and values.
        dropout: Probability of dropping a channel before the output.

    Raises:
        ValueError: The context of a pair is missing, a task has no coarse labels, or a task reads no source.
    """

    def __init__(
        self,
        tasks: Sequence[Task],
        backbone: Backbone,
        head: Callable[..., nn.Module] | None = None,
        *,
        context: Word | Mapping[str, Mapping[str, Context]],
        reduction: Annotated[int, Ge(1)],
        inner_reduction: Annotated[int, Ge(1)],
        dropout: Annotated[float, Interval(ge=0, lt=1)],
    ) -> None:
        super().__init__(tasks, Joined(backbone, mix=False))
        (width,) = self.backbone.channels
        channels = width // reduction
        inner = channels // inner_reduction
        self.features, self.blocks, self.fuse = nn.ModuleDict(), nn.ModuleDict(), nn.ModuleDict()
        self.mix, self.outputs, self.coarse = nn.ModuleDict(), nn.ModuleDict(), nn.ModuleDict()
        labelled = False
        for task in tasks:
            name = task.name
            kinds: dict[str, Context] = {source: kind_of(context, name, source) for source in self.task_names}
            blocks = {s: ContextBlock(channels, inner, kind) for s, kind in kinds.items() if kind != "none"}
            if not blocks:
                raise ValueError(f"model.network.context.{name} leaves {name} no source: give it one, such as its own")
            self.features[name] = ConvBNReLU(width, channels, 3)
            self.blocks[name] = nn.ModuleDict(blocks)
            self.fuse[name] = nn.Sequential(nn.Conv2d(inner * len(blocks), channels, 1, bias=False), quiet(channels))
            self.mix[name] = nn.Sequential(ConvBNReLU(2 * channels, channels, 1), nn.Dropout2d(dropout))
            self.outputs[name] = output(channels, task.channels, task.bias)
            labelled |= any(kind in LABELS for kind in kinds.values())
        if labelled:
            for task in tasks:
                if task.coarse is None:
                    raise ValueError(
                        f"the contexts tlabel and slabel need coarse labels of {task.name}: "
                        f"model.coarse.{task.name} has none; use model=atrc_labels, or "
                        "model.network.context=global or local"
                    )
                last = output(width, task.coarse.channels or task.channels, 0.0)
                self.coarse[task.name] = nn.Sequential(ConvBNReLU(width, width, 1), last)

    def decode(self, features: Sequence[Sequence[Tensor]], size: tuple[int, int]) -> Outputs:
        """Predictions of all tasks, and their coarse labels."""
        maps = {name: x for name, (x,) in zip(self.task_names, features, strict=True)}
        found = {name: self.features[name](x) for name, x in maps.items()}
        labels = {name: self.coarse[name](maps[name].detach()) for name in self.coarse}
        final = {}
        for name, f in found.items():
            blocks = cast("Mapping[str, ContextBlock]", self.blocks[name])
            contexts = [
                block(f, found[source], labels.get(name if block.context == "tlabel" else source))
                for source, block in blocks.items()
            ]
            mixed = self.mix[name](torch.cat([f, self.fuse[name](torch.cat(contexts, dim=1))], dim=1))
            final[name] = resize(self.outputs[name](mixed), size)
        return Outputs(final=final, coarse={name: resize(logits, size) for name, logits in labels.items()})

    def regions(self) -> list[nn.Module]:
        """Modules to compile one by one: those of the encoder, and of each task the first and the last convolutions."""
        return [*super().regions(), *self.features.values(), *self.mix.values()]

    def task_parameters(self, name: str) -> list[nn.Parameter]:
        """Parameters of all convolutions in which the task is the target, and of its coarse labels."""
        modules = [self.features[name], self.blocks[name], self.fuse[name], self.mix[name], self.outputs[name]]
        modules += [self.coarse[name]] if name in self.coarse else []
        return [parameter for module in modules for parameter in module.parameters()]


def kind_of(context: Context | Mapping[str, Mapping[str, Context]], target: str, source: str) -> Context:
    """The context of a pair of tasks.

    Raises:
        ValueError: It is missing.
    """
    if isinstance(context, str):
        return context
    try:
        return context[target][source]
    except KeyError:
        raise ValueError(
            f"model.network.context has nothing for target {target} and source {source}: "
            f"add +model.network.context.{target}.{source}=global, or use one word for all pairs"
        ) from None


def quiet(channels: int) -> nn.BatchNorm2d:
    """BatchNorm whose output is 0 at first."""
    norm = nn.BatchNorm2d(channels)
    nn.init.zeros_(norm.weight)
    return norm


def output(in_channels: int, out_channels: int, bias: float) -> nn.Conv2d:
    """1x1 convolution to a prediction, with small initial weights."""
    convolution = output_layer(in_channels, out_channels, bias)
    nn.init.normal_(convolution.weight, std=0.01)
    return convolution
