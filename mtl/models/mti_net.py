"""MTI-Net: tasks interact at several scales.

Vandenhende et al., MTI-Net: Multi-Scale Task Interaction Networks for Multi-Task Learning, ECCV 2020.
https://arxiv.org/abs/2001.06902
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Annotated, Literal, cast

import torch
from annotated_types import Ge
from torch import Tensor, nn

from mtl.backbones import Backbone
from mtl.layers import Distillation, FeaturePropagation, basic_block, output_layer, resize
from mtl.models.base import MultiTaskModel, Outputs
from mtl.task import Task


class MTINet(MultiTaskModel):
    """At every scale each task makes an initial prediction, and the tasks exchange features.

    From the coarsest scale s to the finest, with x_s the encoder's map,

        F_st = initial_st([x_s, up(N_t)])       task feature; N: propagated from the next coarser scale
        P_st = predict_st(F_st)                 initial prediction, with the same loss as the final one
        N    = propagation_s(F_s1 .. F_sT)      for the next finer scale
        D_st = distillation_st(F_s1 .. F_sT)

    and the head of task t reads D_st of all scales. With a single task this is the single-task network: scales and
    initial predictions remain, the task distils its own features, and the softmax of the propagation is 1.

    - Shared parameters: the encoder.
    - Last shared layer: that of the encoder; for HRNet, the last convolution of its finest branch, which reaches all
      maps.
    - Task parameters: initial blocks and predictions at every scale, squeeze-and-excitation, the convolutions of the
      messages that the task receives, and its head.
    - Parameters after the cut that several tasks reach: the mixing blocks of the propagation (`joint_parameters`),
      and each other's initial blocks and squeeze-and-excitation. They get the weighted sum of the task gradients.
      The engine needs T backward passes through the decoder, since each task's loss reaches all tasks' features, but
      only one for methods that weight losses.
    - A task's loss is the plain sum over its final prediction and its initial predictions, one per scale.

    Deviations from the paper: see `FeaturePropagation` and `Distillation`; every task is both a target and an
    auxiliary task, as in this study.

    Args:
        tasks: The tasks, in their order.
        backbone: An encoder with several scales, the finest first.
        head: Builds a head from `in_channels`, `out_channels` and `bias`; a head maps (features, size) to a
            prediction.
        reduction: Channels of all tasks per channel inside the attention of the propagation.
        squeeze: Reduction of squeeze-and-excitation.
        squeeze_bias: Whether the linear layers of squeeze-and-excitation have biases.
        softmax_over: What the softmax of the propagation normalises over, see `FeaturePropagation`.

    Raises:
        ValueError: The encoder has one scale only.
    """

    def __init__(
        self,
        tasks: Sequence[Task],
        backbone: Backbone,
        head: Callable[..., nn.Module],
        *,
        reduction: Annotated[int, Ge(1)],
        squeeze: Annotated[int, Ge(1)],
        squeeze_bias: bool,
        softmax_over: Literal["neighbours", "tasks"],
    ) -> None:
        super().__init__(tasks, backbone)
        channels, strides = backbone.channels, backbone.strides
        if len(strides) < 2 or strides != sorted(set(strides)):
            raise ValueError(
                f"model=mti_net reads maps of several scales, the finest first, but this backbone's have the strides "
                f"{strides}: use backbone=hrnet18"
            )
        names = self.task_names
        seen = [fine + coarse for fine, coarse in zip(channels, [*channels[1:], 0], strict=True)]
        self.initial, self.predictions = nn.ModuleDict(), nn.ModuleDict()
        self.heads = nn.ModuleDict()
        for task in tasks:
            blocks = [nn.Sequential(basic_block(x, c), basic_block(c, c)) for x, c in zip(seen, channels, strict=True)]
            self.initial[task.name] = nn.ModuleList(blocks)
            self.predictions[task.name] = nn.ModuleList(output_layer(c, task.channels, task.bias) for c in channels)
            self.heads[task.name] = head(in_channels=channels, out_channels=task.channels, bias=task.bias)
        numbers = {
            "reduction": reduction,
            "squeeze": squeeze,
            "squeeze_bias": squeeze_bias,
            "softmax_over": softmax_over,
        }
        self.propagation = nn.ModuleList(  # from each scale but the finest to the next finer one
            FeaturePropagation(names, c, **numbers) for c in channels[1:]
        )
        self.distillation = nn.ModuleList(Distillation(names, c) for c in channels)

    def decode(self, features: Sequence[Sequence[Tensor]], size: tuple[int, int]) -> Outputs:
        """Final predictions of all tasks, and their initial ones at every scale, the finest first."""
        maps = dict(zip(self.task_names, features, strict=True))
        first, distilled, propagated = [], [], None
        for scale in reversed(range(len(self.distillation))):
            found = {name: self._initial(name, scale, maps[name][scale], propagated) for name in self.task_names}
            predict = {name: cast("nn.ModuleList", self.predictions[name])[scale] for name in found}
            first.insert(0, {name: resize(predict[name](f), size) for name, f in found.items()})
            distilled.insert(0, self.distillation[scale](found))
            if scale > 0:
                propagated = self.propagation[scale - 1](found)
        final = {name: head([scale[name] for scale in distilled], size) for name, head in self.heads.items()}
        return Outputs(final=final, auxiliary=first)

    def _initial(self, name: str, scale: int, x: Tensor, propagated: dict[str, Tensor] | None) -> Tensor:
        """Feature [B, C, H, W] of a task at a scale, from the encoder's map and that of the next coarser scale."""
        if propagated is not None:
            x = torch.cat([x, resize(propagated[name], (x.shape[-2], x.shape[-1]))], dim=1)
        return cast("nn.ModuleList", self.initial[name])[scale](x)

    def regions(self) -> list[nn.Module]:
        """Modules to compile one by one: those of the encoder, the initial blocks and the heads."""
        initial = [block for blocks in self.initial.values() for block in blocks.children()]
        return [*super().regions(), *initial, *self.heads.values()]

    def joint_parameters(self) -> list[nn.Parameter]:
        """Parameters of the blocks that mix the features of all tasks between scales."""
        propagation = cast("Iterable[FeaturePropagation]", self.propagation)
        modules = [module for p in propagation for module in (p.attention, p.mix) if module is not None]
        return [parameter for module in modules for parameter in module.parameters()]

    def task_parameters(self, name: str) -> list[nn.Parameter]:
        """Parameters of the task's initial blocks and predictions, of the messages it receives, and of its head."""
        modules = [self.initial[name], self.predictions[name], self.heads[name]]
        modules += [p.squeeze_excite[name] for p in cast("Iterable[FeaturePropagation]", self.propagation)]
        modules += [distillation.messages[name] for distillation in cast("Iterable[Distillation]", self.distillation)]
        return [parameter for module in modules for parameter in module.parameters()]
