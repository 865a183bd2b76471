"""InvPT: tasks interact in a transformer decoder of increasing resolution.

Ye and Xu, Inverted Pyramid Multi-task Transformer for Dense Scene Understanding, ECCV 2022.
https://arxiv.org/abs/2203.07997
"""

from collections.abc import Callable, Sequence
from typing import Annotated, cast

import torch
import torch.nn.functional as F
from annotated_types import Ge, Len
from torch import Tensor, nn

from mtl.backbones import Backbone
from mtl.models.base import MultiTaskModel, Outputs
from mtl.models.invpt_aggregation import Aggregation
from mtl.models.invpt_preliminary import PreliminaryDecoder
from mtl.models.invpt_transformer import UpEmbedding, UPTransformerBlock
from mtl.task import Task


class InvPT(MultiTaskModel):
    """Predicts each task separately at half the encoder's resolution, then refines all tasks jointly at finer scales.

    With a single task it is the single-task network: attention is then among the pixels of that task.

    - Shared parameters: the encoder, and the two convolutions (`skips`) that bring its earlier maps to the finer
      grids. The cut comes after them, so scope `features` sees the deepest map and both skips.
    - Last shared layer: that of the encoder. Skips branch off before it, so scope `last_layer` sees the deepest map
      alone.
    - Task parameters: preliminary decoder, up-embeddings, query reductions, projections and output.
    - Parameters after the cut that several tasks reach: norms, attention with its fusion of scores, and MLPs
      (`joint_parameters`), and, through the attention, all parameters of other tasks except projections and outputs.
      They get the weighted sum of the task gradients. For that the engine needs T backward passes through the
      decoder, without the outputs, and holds T gradients of it; methods that weight losses need one pass. With
      ViT-T, four tasks and AvgNorm, a step takes 1.26 times the operations of a plain one (scope `shared`: 1.32),
      since most operations of the decoder are in the outputs.
    - A task's loss is the plain sum over its final and its preliminary prediction.

    Deviations from the paper: as in the published code, a 3x3 convolution precedes each task's output. Modules that
    the published code builds but never uses are left out, and so is its stochastic depth, whose probability is 0 with
    one block per scale. Where a side of the encoder's grid is odd, its half is rounded up and each finer grid takes
    the size of its skip; the published code rejects such images.

    Args:
        tasks: The tasks, in their order.
        backbone: The shared encoder: four maps of the same size, the deepest last.
        head: Unused; InvPT has its own outputs.
        channels: Channels of the preliminary features of a task.
        widths: Channels of the three scales, the coarsest first.
        num_heads: Number of attention heads.
        mlp_ratio: Width of the MLPs' hidden layers relative to that of the tokens.
        init_std: Standard deviation of the initial weights of linear layers and of the last 3x3 convolutions.

    Raises:
        ValueError: The encoder does not return four maps of the same size.
    """

    def __init__(
        self,
        tasks: Sequence[Task],
        backbone: Backbone,
        head: Callable[..., nn.Module] | None = None,
        *,
        channels: Annotated[int, Ge(1)],
        widths: Annotated[Sequence[Annotated[int, Ge(1)]], Len(3, 3)],
        num_heads: Annotated[int, Ge(1)],
        mlp_ratio: Annotated[int, Ge(1)],
        init_std: Annotated[float, Ge(0)],
    ) -> None:
        super().__init__(tasks, backbone)
        if len(backbone.strides) != 4 or len(set(backbone.strides)) != 1:
            raise ValueError(
                f"model=invpt needs four maps of the same size, but this backbone has strides {backbone.strides}: "
                "use a vision transformer, backbone=vit_tiny or vit_base"
            )
        names = self.task_names
        coarse, middle, fine = widths
        shallow_channels, middle_channels, _, deep_channels = backbone.channels
        self.skips = nn.ModuleList(
            [
                nn.Conv2d(middle_channels, middle, 3, padding=1),
                nn.ConvTranspose2d(shallow_channels, fine, 3, stride=2, padding=1, output_padding=1),
            ]
        )
        self.preliminary = nn.ModuleDict(
            {task.name: PreliminaryDecoder(task, deep_channels, channels, coarse) for task in tasks}
        )
        self.embeddings = nn.ModuleList(
            nn.ModuleDict({name: UpEmbedding(before, width) for name in names})
            for before, width in ((coarse, middle), (middle, fine))
        )
        self.blocks = nn.ModuleList(
            UPTransformerBlock(names, width, num_heads, mlp_ratio, pool=2 ** (scale + 1), message=scale > 0)
            for scale, width in enumerate(widths)
        )
        self.aggregation = Aggregation(tasks, widths)
        self._initialize(init_std)

    def _initialize(self, std: float) -> None:
        for module in self.blocks.modules():
            if isinstance(module, nn.Linear):
                nn.init.trunc_normal_(module.weight, std=std)
                nn.init.zeros_(module.bias)
        for head in self.aggregation.heads.values():
            first = next(module for module in head.modules() if isinstance(module, nn.Conv2d))
            nn.init.trunc_normal_(first.weight, std=std)

    def encode(self, image: Tensor) -> list[Tensor]:
        """Deepest map [B, C, H, W], and skips [B, widths[1], H, W] and [B, widths[2], 2H, 2W]."""
        shallow, middle, _, deep = super().encode(image)
        return [deep, self.skips[0](middle), self.skips[1](shallow)]

    def paths(self, teachers: int) -> list[list[int]]:
        """For each foundation model, the map that is trained towards its own: the deepest, the first of `encode`."""
        return [[0]] * teachers

    def decode(self, features: Sequence[Sequence[Tensor]], size: tuple[int, int]) -> Outputs:
        """Predictions of all tasks; the auxiliary ones are those of the preliminary decoders."""
        half = [(side + 1) // 2 for side in features[0][0].shape[-2:]]
        mixed, guesses = [], {}
        for (name, decoder), (deep, *_) in zip(self.preliminary.items(), features, strict=True):
            task_map, guesses[name] = decoder(F.interpolate(deep, size=half, mode="bilinear", align_corners=False))
            mixed.append(task_map)

        tokens, scores = self.blocks[0](_tokens(mixed), None)
        scales = [tokens]
        for scale in (1, 2):
            embeddings = cast("nn.ModuleDict", self.embeddings[scale - 1]).values()
            triples = zip(embeddings, tokens.unbind(1), features, strict=True)
            maps = [embed(own.movedim(-1, 1), skips[scale]) for embed, own, skips in triples]
            tokens, scores = self.blocks[scale](_tokens(maps), scores)
            scales.append(tokens)
        return Outputs(final=_resize(self.aggregation(scales), size), auxiliary=[_resize(guesses, size)])

    def regions(self) -> list[nn.Module]:
        """Modules to compile one by one: those of the encoder, the preliminary decoders and the outputs."""
        return [*super().regions(), *self.preliminary.values(), *self.aggregation.heads.values()]

    def shared_parameters(self) -> list[nn.Parameter]:
        """Parameters of the encoder and of the skips."""
        return [*self.backbone.parameters(), *self.skips.parameters()]

    def task_parameters(self, name: str) -> list[nn.Parameter]:
        """Parameters whose path contains the task's name."""
        return [p for path, p in self._decoder_parameters() if name in path.split(".")]

    def joint_parameters(self) -> list[nn.Parameter]:
        """Parameters of the decoder whose path contains no task's name."""
        return [p for path, p in self._decoder_parameters() if not set(path.split(".")) & set(self.task_names)]

    def _decoder_parameters(self) -> list[tuple[str, nn.Parameter]]:
        shared = {id(p) for p in self.shared_parameters()}
        return [(path, p) for path, p in self.named_parameters() if id(p) not in shared]


def _tokens(maps: Sequence[Tensor]) -> Tensor:
    """Tokens [B, T, H, W, C] of T maps [B, C, H, W]."""
    return torch.stack([task_map.movedim(1, -1) for task_map in maps], dim=1)


def _resize(predictions: dict[str, Tensor], size: tuple[int, int]) -> dict[str, Tensor]:
    return {
        name: F.interpolate(prediction, size=size, mode="bilinear", align_corners=False)
        for name, prediction in predictions.items()
    }
