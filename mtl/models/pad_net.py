"""PAD-Net: tasks make initial predictions and then exchange gated messages.

Xu et al., PAD-Net: Multi-Tasks Guided Prediction-and-Distillation Network for Simultaneous Depth Estimation and Scene
Parsing, CVPR 2018. https://arxiv.org/abs/1805.04409
On HRNet: Vandenhende et al., Multi-Task Learning for Dense Prediction Tasks: A Survey, TPAMI 2021.
https://arxiv.org/abs/2004.13379
"""

from collections.abc import Callable, Sequence
from typing import Annotated

from annotated_types import Ge
from torch import Tensor, nn

from mtl.backbones import Backbone, Joined
from mtl.layers import Distillation, bottleneck, output_layer, resize
from mtl.models.base import MultiTaskModel, Outputs
from mtl.task import Task


class PADNet(MultiTaskModel):
    """Each task makes an initial prediction, reads the features of all others, and predicts again.

    With x the shared map,

        F_t = initial_t(x)                      two bottleneck blocks
        P_t = predict_t(F_t)                    initial prediction, with the same loss as the final one
        D_t = distillation(F_1 .. F_T)          gated messages, module C of the paper

    and two bottleneck blocks and a 1x1 convolution predict task t from D_t. With a single task this is the single-task
    network: the initial prediction remains, and the task distils its own features.

    - Shared parameters: the encoder. The maps of an HRNet are joined at the finest and mixed by a 1x1 convolution,
      BatchNorm and ReLU, which belong to the encoder, too: the graph is cut behind them.
    - Last shared layer: that of the network before they are joined.
    - Task parameters: initial blocks and prediction, the convolutions of the messages that the task receives, and its
      final blocks and prediction.
    - Parameters after the cut that several tasks reach: each other's initial blocks. They get the weighted sum of the
      task gradients. The engine needs T backward passes through the decoder, but only one for methods that weight
      losses.
    - A task's loss is the plain sum over its two predictions.

    Deviations from the paper: as in the survey, every task is both a target and an auxiliary task, and the
    predictions are made by bottleneck blocks at the encoder's finest stride, instead of by deconvolutions.

    Args:
        tasks: The tasks, in their order.
        backbone: Any encoder. Of a vision transformer, only the last map is read.
        head: Ignored; the decoder has its own.
        width: Inner channels of the bottleneck blocks; a task's features have four times as many.
    """

    def __init__(
        self,
        tasks: Sequence[Task],
        backbone: Backbone,
        head: Callable[..., nn.Module] | None = None,
        *,
        width: Annotated[int, Ge(1)],
    ) -> None:
        super().__init__(tasks, Joined(backbone, mix=True))
        (seen,) = self.backbone.channels
        channels = 4 * width
        self.initial, self.predictions, self.heads = nn.ModuleDict(), nn.ModuleDict(), nn.ModuleDict()
        for task in tasks:
            self.initial[task.name] = nn.Sequential(bottleneck(seen, channels), plain(channels))
            self.predictions[task.name] = output_layer(channels, task.channels, task.bias)
            self.heads[task.name] = nn.Sequential(
                plain(channels), plain(channels), output_layer(channels, task.channels, task.bias)
            )
        self.distillation = Distillation(self.task_names, channels)

    def decode(self, features: Sequence[Sequence[Tensor]], size: tuple[int, int]) -> Outputs:
        """Final and initial predictions of all tasks."""
        found = {name: self.initial[name](x) for name, (x,) in zip(self.task_names, features, strict=True)}
        first = {name: resize(self.predictions[name](f), size) for name, f in found.items()}
        final = {name: resize(self.heads[name](d), size) for name, d in self.distillation(found).items()}
        return Outputs(final=final, auxiliary=[first])

    def regions(self) -> list[nn.Module]:
        """Modules to compile one by one: those of the encoder, the initial blocks and the heads."""
        return [*super().regions(), *self.initial.values(), *self.heads.values()]

    def task_parameters(self, name: str) -> list[nn.Parameter]:
        """Parameters of the task's blocks and predictions, and of the messages it receives."""
        modules = [self.initial[name], self.predictions[name], self.distillation.messages[name], self.heads[name]]
        return [parameter for module in modules for parameter in module.parameters()]


def plain(channels: int) -> nn.Module:
    """Bottleneck block that keeps the width."""
    return bottleneck(channels, channels, project=False)
