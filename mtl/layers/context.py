"""Relational context: attention of one task's pixels to the features of another task.

Brueggemann et al., Exploring Relational Context for Multi-Task Dense Prediction, ICCV 2021.
https://arxiv.org/abs/2104.13874, Sec. 3.2
"""

from typing import Literal, get_args

import torch
import torch.nn.functional as F
from torch import Tensor, nn

Context = Literal["none", "global", "local", "tlabel", "slabel"]
CONTEXTS: tuple[Context, ...] = get_args(Context)
LABELS = ("tlabel", "slabel")  # contexts that read the coarse labels of the target or of the source
WINDOW = 9  # side of the window of local context, in pixels


class ContextBlock(nn.Module):
    """Attention of the target task's pixels to one source task.

    Queries q come from the target's features, keys k and values v from the source's; each from 1x1 convolutions with
    BatchNorm, two for q and k, one for v.

    - `global`: every pixel of the source, linear attention.
    - `local`: the 9 x 9 pixels around.
    - `tlabel`, `slabel`: the classes of coarse labels, those of the target or those of the source. A class is the mean
      of the source's features weighted by the softmax of its logit over all pixels.

    Deviations from the paper: pixels that augmentation has padded take part, because the network does not know them.

    Args:
        features: Channels of each task's features.
        channels: Channels A of q, k and v.
        context: The kind.
    """

    def __init__(self, features: int, channels: int, context: Context) -> None:
        super().__init__()
        self.context = context
        self.query, self.key = project(features, channels, context), project(features, channels, context)
        self.value = nn.Sequential(*layer(features, channels), nn.ReLU(inplace=True))

    def forward(self, target: Tensor, source: Tensor, logits: Tensor | None = None) -> Tensor:
        """Context [B, A, H, W], in float32 or better.

        Args:
            target: Features of the target task. Shape [B, C, H, W].
            source: Features of the source task. Shape [B, C, H, W].
            logits: Coarse labels, if the context reads them. Shape [B, K, H, W].
        """
        if self.context in LABELS and logits is not None:
            source = label_context(precise(logits), precise(source))[..., None]  # [B, C, K, 1]
        pairs = (self.query, target), (self.key, source), (self.value, source)
        query, key, value = (precise(ordered(layers(x))) for layers, x in pairs)
        with torch.autocast(query.device.type, enabled=False):
            if self.context == "global":
                return global_attention(query, key, value)
            if self.context == "local":
                return local_attention(query, key, value)
            return label_attention(query, key.squeeze(3), value.squeeze(3))


def global_attention(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    """sum_j v_j (k_j . q_p) / sum_j k_j . q_p at every pixel p, for q and k above 0. All [B, A, H, W]."""
    q, k, v = query.flatten(2), key.flatten(2), value.flatten(2)  # [B, A, HW]
    total = k.sum(2, keepdim=True).mT @ q  # [B, 1, HW]
    return ((v @ k.mT) @ q / total.clamp(min=1e-12)).view_as(query)


def local_attention(query: Tensor, key: Tensor, value: Tensor, window: int = WINDOW) -> Tensor:
    """Softmax attention over a window around every pixel, scores divided by sqrt(A). All [B, A, H, W].

    Pixels outside the map take part with score 0 and value 0. Shifted views of the map are used one after the other,
    because a copy of all windows would hold window^2 maps.
    """
    height, width = query.shape[-2:]
    k, v = (F.pad(x, [window // 2] * 4) for x in (key * key.shape[1] ** -0.5, value))
    shifts = [(slice(y, y + height), slice(x, x + width)) for y in range(window) for x in range(window)]
    scores = torch.stack([(query * k[:, :, y, x]).sum(1) for y, x in shifts], dim=1)  # [B, window^2, H, W]
    shares = scores.softmax(1).unbind(1)
    return sum((share[:, None] * v[:, :, y, x] for share, (y, x) in zip(shares, shifts, strict=True)), 0 * value)


def label_context(logits: Tensor, features: Tensor) -> Tensor:
    """Mean feature [B, C, K] of each class: weights are the softmax of its logit [B, K, H, W] over all pixels."""
    return features.flatten(2) @ logits.flatten(2).softmax(2).mT


def label_attention(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    """Softmax attention of every pixel [B, A, H, W] to K classes, keys and values [B, A, K]."""
    shares = (query.flatten(2).mT @ key * key.shape[1] ** -0.5).softmax(2)  # [B, HW, K]
    return (value @ shares.mT).view_as(query)


def ordered(x: Tensor) -> Tensor:
    """The tensor, with a gradient that will be contiguous.

    That of a transposed factor is not. For one image on the CPU, torch 2.15 then differentiates the BatchNorm before it
    wrongly, without an error: it takes the gradient to be contiguous.
    """
    if x.requires_grad:
        x.register_hook(Tensor.contiguous)
    return x


def precise(x: Tensor) -> Tensor:
    """The tensor in float32 or better, in which sums over all pixels keep their digits."""
    return x.to(torch.promote_types(x.dtype, torch.float32))


def layer(in_channels: int, out_channels: int) -> tuple[nn.Module, nn.Module]:
    """1x1 convolution, Xavier uniform, and BatchNorm."""
    convolution = nn.Conv2d(in_channels, out_channels, 1, bias=False)
    nn.init.xavier_uniform_(convolution.weight)
    return convolution, nn.BatchNorm2d(out_channels)


def project(in_channels: int, out_channels: int, context: Context) -> nn.Module:
    """Two layers for queries or keys; those of global context end above 0."""
    last = nn.Softplus() if context == "global" else nn.ReLU(inplace=True)
    return nn.Sequential(
        *layer(in_channels, out_channels), nn.ReLU(inplace=True), *layer(out_channels, out_channels), last
    )
