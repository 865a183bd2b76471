import torch
import torch.nn.functional as F
from torch import nn

from mtl.backbones import Backbone, Joined


class Two(Backbone):
    """Two maps, one of them half as large if the strides say so."""

    def __init__(self, strides):
        super().__init__()
        self.channels, self.strides, self.multiple = [2, 3], strides, 8
        self.layers = nn.ModuleList(nn.Conv2d(3, c, 1, stride=s) for c, s in zip(self.channels, strides, strict=True))

    def forward(self, image):
        return [layer(image) for layer in self.layers]

    @property
    def last_layer(self):
        return self.layers[0].weight


def test_maps_of_several_scales_are_resized_to_the_finest_and_concatenated():
    network, image = Two([4, 8]), torch.randn(2, 3, 16, 24)
    fine, coarse = network(image)
    (joined,) = Joined(network, mix=False)(image)
    assert torch.equal(joined[:, :2], fine)
    assert torch.equal(joined[:, 2:], F.interpolate(coarse, size=(4, 6), mode="bilinear", align_corners=False))


def test_mixing_is_a_convolution_over_all_channels():
    network, image = Two([4, 8]), torch.randn(2, 3, 16, 24)
    joined = Joined(network, mix=True)
    plain = Joined(network, mix=False)
    assert torch.equal(joined(image)[0], joined.mix(plain(image)[0]))
    assert [tuple(p.shape) for p in joined.mix.parameters()] == [(5, 5, 1, 1), (5,), (5,), (5,)]
    assert (joined.channels, joined.strides, joined.multiple) == ([5], [4], 8)


def test_of_maps_of_one_size_the_last_one_is_returned():
    network, image = Two([4, 4]), torch.randn(2, 3, 16, 24)
    joined = Joined(network, mix=True)
    assert torch.equal(joined(image)[0], network(image)[1])
    assert joined.channels == [3]
    assert list(joined.parameters()) == list(network.parameters())


def test_last_layer_is_that_of_the_network():
    network = Two([4, 8])
    assert Joined(network, mix=True).last_layer is network.last_layer
