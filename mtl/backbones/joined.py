"""One map of an encoder with several: all of them at the size of the finest."""

from torch import Tensor, nn

from mtl.backbones.base import Backbone
from mtl.layers import concatenate


class Joined(Backbone):
    """Joins the maps of an encoder of several scales, for decoders that read one map.

    The maps are resized to the finest (bilinear) and concatenated; with `mix`, a 1x1 convolution, BatchNorm and ReLU
    follow. Of an encoder whose maps all have the same size, such as a vision transformer, it returns the last one.
    The last layer is that of the encoder.

    Args:
        network: The encoder, its maps the finest first.
        mix: Whether the concatenated channels are mixed.
    """

    def __init__(self, network: Backbone, mix: bool) -> None:
        super().__init__()
        self.network = network
        self.multiple = network.multiple
        self.several = len(set(network.strides)) > 1
        channels = sum(network.channels) if self.several else network.channels[-1]
        self.channels, self.strides = [channels], [min(network.strides)]
        parts = (nn.Conv2d(channels, channels, 1), nn.BatchNorm2d(channels), nn.ReLU(inplace=True))
        self.mix = nn.Sequential(*(parts if mix and self.several else ()))

    def forward(self, image: Tensor) -> list[Tensor]:
        """The map [B, C, H / stride, W / stride], in a list."""
        maps = self.network(image)
        return [self.mix(concatenate(maps) if self.several else maps[-1])]

    def regions(self) -> list[nn.Module]:
        """Those of the encoder."""
        return self.network.regions()

    @property
    def last_layer(self) -> nn.Parameter | None:
        """Weight of the encoder's last layer."""
        return self.network.last_layer
