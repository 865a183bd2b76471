import pytest
import torch

from mtl.backbones import BlockTaps, Pyramid


def network(**options):
    torch.manual_seed(0)
    shape = {"layers": [2, 3, 2, 2], "channels": [8, 12, 16, 20], "output_stride": 8} | options
    return Pyramid("resnet18.tv_in1k", pretrained=False, **shape)


@pytest.mark.parametrize("options", [{}, {"stem_pool": False}, {"output_stride": 32}], ids=str)
def test_channels_and_strides_tell_the_shape_of_the_maps(options):
    taps = BlockTaps(network(**options))
    maps = taps(torch.randn(2, 3, 64, 96))
    expected = [(2, c, 64 // s, 96 // s) for c, s in zip(taps.channels, taps.strides, strict=True)]
    assert [tuple(m.shape) for m in maps] == expected
    assert taps.channels == [8, 8, 12, 12, 16, 16, 20, 20]


def test_maps_behind_the_last_blocks_are_those_of_the_network():
    inner = network(stages=(1, 2, 3, 4)).eval()
    image = torch.randn(1, 3, 64, 96)
    for ours, theirs in zip(BlockTaps(inner)(image)[1::2], inner(image), strict=True):
        assert torch.equal(ours, theirs)


def test_last_block_turns_each_first_map_into_the_second():
    inner = network().eval()
    maps = BlockTaps(inner)(torch.randn(1, 3, 64, 96))
    for stage in range(4):
        assert torch.equal(inner.body[f"layer{stage + 1}"][-1](maps[2 * stage]), maps[2 * stage + 1])


def test_no_map_is_changed_by_the_layers_behind_it():
    taps = BlockTaps(network())
    maps = taps(torch.randn(2, 3, 64, 96))
    kept = [m.detach().clone() for m in maps]
    sum(m.square().sum() for m in maps).backward()  # autograd refuses tensors changed in place
    assert all(torch.equal(m, k) for m, k in zip(maps, kept, strict=True))
    assert all(parameter.grad.any() for parameter in taps.parameters())


def test_parameters_last_layer_and_sizes_are_those_of_the_network():
    inner = network()
    inner.multiple = 32
    taps = BlockTaps(inner)
    assert list(taps.parameters()) == list(inner.parameters())
    assert taps.last_layer is inner.last_layer
    with pytest.raises(ValueError, match="multiples of 32"):
        taps.check_size(torch.empty(1, 3, 64, 90))
