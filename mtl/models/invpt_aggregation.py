"""Output stage of InvPT: adds up each task's maps of all scales and predicts from the sum."""

from collections.abc import Iterable, Sequence
from typing import cast

import torch.nn.functional as F
from torch import Tensor, nn

from mtl.layers import output_layer
from mtl.task import Task


class Aggregation(nn.Module):
    """Normalises the channels of all tasks jointly, then fuses each task's scales into one prediction.

    Args:
        tasks: The tasks, in their order.
        widths: Channels of the scales, the coarsest first; the sum has the channels of the coarsest.
    """

    def __init__(self, tasks: Sequence[Task], widths: Sequence[int]) -> None:
        super().__init__()
        width = widths[0]
        self.norms = nn.ModuleList(nn.LayerNorm(len(tasks) * channels) for channels in widths)
        self.projections = nn.ModuleList(
            nn.ModuleDict({task.name: nn.Conv2d(channels, width, 1) for task in tasks}) for channels in widths[1:]
        )
        self.heads = nn.ModuleDict()
        for task in tasks:
            output = output_layer(width, task.channels, task.bias)
            self.heads[task.name] = nn.Sequential(
                nn.Conv2d(width, width, 3, padding=1), nn.BatchNorm2d(width), nn.ReLU(inplace=True), output
            )

    def forward(self, scales: Sequence[Tensor]) -> dict[str, Tensor]:
        """Predictions [B, C_t, 2H, 2W] by task name of tokens [B, T, H_i, W_i, C_i]; [H, W] is the finest scale."""
        normed = [self._normalise(norm, tokens) for norm, tokens in zip(self.norms, scales, strict=True)]
        size = tuple(2 * side for side in scales[-1].shape[2:4])
        predictions = {}
        for index, (name, head) in enumerate(self.heads.items()):
            first, *others = (maps[:, index] for maps in normed)  # [B, C_i, H_i, W_i]
            pairs = zip(cast("Iterable[nn.ModuleDict]", self.projections), others, strict=True)
            maps = [first, *(projection[name](task_map) for projection, task_map in pairs)]
            predictions[name] = head(
                sum(F.interpolate(m, size=size, mode="bilinear", align_corners=False) for m in maps)
            )
        return predictions

    @staticmethod
    def _normalise(norm: nn.Module, tokens: Tensor) -> Tensor:
        """Maps [B, T, C, H, W] of tokens [B, T, H, W, C], normalised over tasks and channels at every pixel."""
        joined = tokens.movedim(1, 3).flatten(3)  # [B, H, W, T C]
        return norm(joined).unflatten(3, (tokens.shape[1], -1)).permute(0, 3, 4, 1, 2)
