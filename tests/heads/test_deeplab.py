import pytest
import torch

from mtl.heads import DeepLabHead

SMALL = {"channels": 8, "dilations": (2, 4), "dropout": 0.0}


@pytest.mark.parametrize(("in_channels", "size"), [(512, 4_732_456), (2048, 16_135_720)])
def test_head_has_the_published_size(in_channels, size):
    with torch.device("meta"):
        head = DeepLabHead(
            in_channels=[in_channels], out_channels=40, channels=256, dilations=(12, 24, 36), dropout=0.5
        )
    assert sum(parameter.numel() for parameter in head.parameters()) == size


@pytest.mark.parametrize("size", [(64, 96), (61, 93)])
def test_prediction_has_the_size_asked_for(size):
    head = DeepLabHead(in_channels=[6], out_channels=3, **SMALL)
    assert head([torch.randn(2, 6, 8, 12)], size).shape == (2, 3, *size)


def test_untrained_prediction_of_a_silent_network_is_the_bias():
    head = DeepLabHead(in_channels=[6], out_channels=1, bias=2.5, **SMALL)
    head.output.weight.data.zero_()
    prediction = head([torch.randn(2, 6, 4, 4)], (16, 16))
    assert torch.equal(prediction, torch.full((2, 1, 16, 16), 2.5))


def test_every_branch_of_the_pyramid_sees_its_own_field_of_view():
    head = DeepLabHead(in_channels=[1], out_channels=1, channels=4, dilations=(2, 5), dropout=0.0).eval()
    impulse = torch.zeros(1, 1, 21, 21)
    impulse[..., 10, 10] = 1
    reached = [branch[0](impulse).abs().sum(dim=(0, 1)).nonzero() - 10 for branch in head.aspp.local]
    assert [offsets.max().item() for offsets in reached] == [0, 2, 5]
    assert [len(offsets) for offsets in reached] == [1, 9, 9]


def test_pooled_branch_sees_the_whole_image():
    torch.manual_seed(0)
    head = DeepLabHead(in_channels=[2], out_channels=1, channels=16, dilations=(), dropout=0.0).eval()
    feature = torch.randn(1, 2, 40, 40)
    moved = feature.clone()
    moved[..., 39, 39] += 1e4
    change = head([moved], (40, 40)) - head([feature], (40, 40))
    assert (change[..., 0, 0] != 0).all()  # beyond the reach of the 3x3 convolution


def test_map_is_left_as_it_was():
    head = DeepLabHead(in_channels=[6], out_channels=1, **SMALL)
    feature = torch.randn(2, 6, 4, 4, requires_grad=True)
    head([feature], (16, 16)).sum().backward()
    assert feature._version == 0
    assert feature.grad is not None


def test_single_image_is_refused_in_training_only():
    head = DeepLabHead(in_channels=[6], out_channels=1, **SMALL)
    with pytest.raises(ValueError, match="batch of 1 image in training"):
        head([torch.randn(1, 6, 4, 4)], (16, 16))
    assert head.eval()([torch.randn(1, 6, 4, 4)], (16, 16)).shape == (1, 1, 16, 16)


def test_several_maps_are_refused():
    with pytest.raises(ValueError, match="needs one map, got 2"):
        DeepLabHead(in_channels=[6, 8], out_channels=1, **SMALL)
