"""TaskPrompter: a token for each task goes through the encoder and says where and in which channels to look.

Ye and Xu, TaskPrompter: Spatial-Channel Multi-Task Prompting for Dense Scene Understanding, ICLR 2023.
"""

from collections.abc import Callable, Sequence
from typing import Annotated, cast

import torch
from annotated_types import Ge
from torch import Tensor, nn

from mtl.backbones import Backbone, Prompted
from mtl.layers import output_layer, resize
from mtl.models.base import MultiTaskModel, Outputs
from mtl.task import Task

ENLARGED = 4  # from the patch grid to the size at which the heads work


class TaskPrompter(MultiTaskModel):
    """Each task weights the patches by how similar they are to its prompt, and predicts from several blocks.

    At each tap of the encoder, with x its patches [C, pixels], S_t the similarity of prompt t to each pixel by
    attention head, and K_t that to each channel by window of the grid (`Prompted`),

        A_t = space_t(x + S_t x)          channels of head h by S_t of that head
        B_t = channel_t(x + K_t x)        pixels of a window by K_t of that window
        F_t = mix_t(A_t, B_t)             1x1, 3x3 convolution, BatchNorm, GELU, 1x1 convolution

    and with `reweight` F_t becomes sum_s w_t(s) F_s, where w_t(s) is computed from the scores of prompt t for prompt s.
    The sum over taps, enlarged, goes through a 3x3 convolution to the prediction. With a single task this is the
    single-task network.

    - Shared parameters: the encoder, the prompts, and the layers between pixels and channels. The graph is cut behind
      patches and similarities, three maps for each tap.
    - Last shared layer: that of the encoder. Similarities do not pass through it, so scope `last_layer` sees the
      deepest patches alone.
    - Task parameters: all convolutions behind the cut. With `reweight`, tasks reach each other's up to F_t; these get
      the weighted sum of the task gradients. The engine then needs T backward passes through the decoder, but only
      one for methods that weight losses. Without it every head is differentiated once.
    - It takes images of the size that it is built for, and no others.

    Deviations from the paper: as in the published code, the similarities are neither scaled nor limited; they are
    computed in float32. What that code builds and never uses is left out: its position of a class token, and the layer
    from pixels to channels of the last block.

    Args:
        tasks: The tasks, in their order.
        backbone: A plain vision transformer.
        head: Ignored; the decoder has its own.
        windows: Windows on each side of the patch grid.
        embedding: Channels of A_t and B_t.
        width: Channels of F_t and of the heads.
        reweight: Whether tasks read each other's F_t.
    """

    def __init__(
        self,
        tasks: Sequence[Task],
        backbone: Backbone,
        head: Callable[..., nn.Module] | None = None,
        *,
        windows: Annotated[int, Ge(1)],
        embedding: Annotated[int, Ge(1)],
        width: Annotated[int, Ge(1)],
        reweight: bool,
    ) -> None:
        encoder = Prompted(backbone, len(tasks), windows)
        super().__init__(tasks, encoder)
        self.windows = windows
        taps, channels = range(len(encoder.channels)), encoder.channels[0]
        self.features, self.heads, self.reweight = nn.ModuleDict(), nn.ModuleDict(), nn.ModuleDict()
        for task in tasks:
            name = task.name
            self.features[name] = nn.ModuleList(PromptedFeatures(channels, embedding, width, windows) for _ in taps)
            convolution = nn.Conv2d(width, width, 3, padding=1)
            last = output_layer(width, task.channels, task.bias)
            self.heads[name] = nn.Sequential(convolution, nn.BatchNorm2d(width), nn.GELU(), last)
            if reweight:
                heads: int = encoder.heads
                layers = (nn.Sequential(nn.Linear(heads, heads), nn.GELU(), nn.Linear(heads, 1)) for _ in taps)
                self.reweight[name] = nn.ModuleList(layers)

    def decode(self, features: Sequence[Sequence[Tensor]], size: tuple[int, int]) -> Outputs:
        """Predictions of all tasks."""
        total: dict[str, Tensor | float] = dict.fromkeys(self.task_names, 0.0)
        taps = len(self.backbone.channels)
        for tap in range(taps):
            found = {}
            for task, (name, copies) in enumerate(zip(self.task_names, features, strict=True)):
                space, channel, patches = copies[tap], copies[taps + tap], copies[2 * taps + tap]
                block = cast("nn.ModuleList", self.features[name])[tap]
                found[name] = block(patches, space[:, :, task, len(features) :], channel[:, :, task])
            for task, name in enumerate(self.task_names):
                total[name] = total[name] + self._combined(task, tap, features[task][tap], found)
        final = {}
        for name, x in total.items():
            rows, columns = cast("Tensor", x).shape[-2:]
            larger = resize(cast("Tensor", x), (ENLARGED * rows, ENLARGED * columns))
            final[name] = resize(self.heads[name](larger), size)
        return Outputs(final=final)

    def _combined(self, task: int, tap: int, space: Tensor, found: dict[str, Tensor]) -> Tensor:
        """The features of a task, or a weighted sum of those of all tasks. Shape [B, width, rows, columns]."""
        name = self.task_names[task]
        if name not in self.reweight:
            return found[name]
        scores = space[:, :, task, : len(found)].mT  # [B, T, heads]
        weights = cast("nn.ModuleList", self.reweight[name])[tap](scores)  # [B, T, 1]
        return torch.einsum("btchw,bt->bchw", torch.stack([*found.values()], dim=1), weights[..., 0])

    def regions(self) -> list[nn.Module]:
        """Modules to compile one by one: those of the encoder, the features of each tap, and the heads."""
        taps = [block for blocks in self.features.values() for block in cast("nn.ModuleList", blocks)]
        return [*super().regions(), *taps, *self.heads.values()]

    def task_parameters(self, name: str) -> list[nn.Parameter]:
        """Parameters of the task's features, of its weights of other tasks' features, and of its head."""
        modules = [group[name] for group in (self.features, self.reweight, self.heads) if name in group]
        return [parameter for module in modules for parameter in module.parameters()]


class PromptedFeatures(nn.Module):
    """Features of one task at one tap.

    Args:
        channels: Channels C of the patches.
        embedding: Channels in between.
        width: Channels of the result.
        windows: Windows on each side of the grid.
    """

    def __init__(self, channels: int, embedding: int, width: int, windows: int) -> None:
        super().__init__()
        self.windows = windows
        self.space, self.channel = nn.Conv2d(channels, embedding, 1), nn.Conv2d(channels, embedding, 1)
        self.mix = nn.Sequential(
            nn.Conv2d(2 * embedding, width, 1),
            nn.Conv2d(width, width, 3, padding=1),
            nn.BatchNorm2d(width),
            nn.GELU(),
            nn.Conv2d(width, width, 1),
        )

    def forward(self, patches: Tensor, space: Tensor, channel: Tensor) -> Tensor:
        """Features [B, width, H, W].

        Args:
            patches: Shape [B, C, H, W].
            space: Similarity to pixels, by head. Shape [B, heads, H * W].
            channel: Similarity to channels, by window. Shape [B, windows^2, C].
        """
        by_pixel, by_channel = selected(patches, space, channel, self.windows)
        return self.mix(torch.cat([self.space(by_pixel), self.channel(by_channel)], dim=1))


@torch.autocast("cuda", enabled=False)
@torch.autocast("cpu", enabled=False)
def selected(patches: Tensor, space: Tensor, channel: Tensor, windows: int) -> tuple[Tensor, Tensor]:
    """The patches plus themselves times the similarities, in the precision of these. Shapes [B, C, H, W]."""
    size, x = patches.shape, patches.to(space)
    rows, columns = size[2] // windows, size[3] // windows
    by_head = x.unflatten(1, (space.shape[1], -1)).flatten(3) * (1 + space[:, :, None])  # [B, heads, C / heads, H * W]
    factor = channel.mT.unflatten(2, (windows, windows))  # [B, C, windows, windows]
    factor = factor.repeat_interleave(rows, 2).repeat_interleave(columns, 3)  # [B, C, H, W]
    return by_head.view(size), x * (1 + factor)
