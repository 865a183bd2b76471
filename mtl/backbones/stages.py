"""The stages of a residual network, one by one, for networks in which tasks do not share all of them."""

from typing import Any, cast

from torch import Tensor, nn

from mtl.backbones.base import Backbone

NAMES = ("layer1", "layer2", "layer3", "layer4")


class Stages(nn.Module):
    """Stem and four stages of a residual network.

    Attributes:
        parts: The five of them, in order.
        widths: Channels of the map behind each.
        strides: Pixels of the image per pixel of that map.

    Args:
        network: A `Pyramid` with a timm residual network, whose last map is that of stage 4.
        word: The model that needs it, for the error.

    Raises:
        ValueError: The network has no such stages.
    """

    def __init__(self, network: Backbone, word: str) -> None:
        super().__init__()
        body = getattr(network, "body", None)
        layers = dict(body.items()) if isinstance(body, nn.ModuleDict) else {}
        if not set(NAMES) <= set(layers):
            raise ValueError(
                f"model={word} needs the four stages of a residual network, which {type(network).__name__} does not "
                "have: use backbone=resnet18 or resnet50"
            )
        stem = [layer for name, layer in layers.items() if name not in NAMES]
        self.parts = nn.ModuleList([nn.Sequential(*stem), *(layers[name] for name in NAMES)])
        info = cast("Any", network).body.feature_info
        reductions = [info.reduction((1,))[0], *info.reduction((1, 2, 3, 4))]  # pooling ends the stem
        pooled = reductions[-1] // network.strides[-1]  # 2 where the stem does not pool
        self.widths, self.strides = list(info.channels((0, 1, 2, 3, 4))), [r // pooled for r in reductions]


class Image(Backbone):
    """Nothing that tasks share: its only map is the image, and everything is behind the cut.

    Args:
        multiple: Sides of the image must be multiples of it.
    """

    def __init__(self, multiple: int) -> None:
        super().__init__()
        self.channels, self.strides, self.multiple = [3], [1], multiple

    @property
    def last_layer(self) -> None:
        """No layer."""

    def forward(self, image: Tensor) -> list[Tensor]:
        """The image [B, 3, H, W], in a list."""
        return [image]
