import pytest
import timm
import torch
from torch import nn
from torchvision.models import resnet

from mtl.backbones import Pyramid

NARROW = {
    "name": "resnet18.tv_in1k",
    "pretrained": False,
    "output_stride": 8,
    "layers": [1, 1, 1, 1],
    "channels": [16, 32, 48, 64],
    "stem_type": "deep",
    "stem_width": 8,
}


def parameters(module):
    return sum(parameter.numel() for parameter in module.parameters())


def dilated(name):
    with torch.device("meta"):  # shapes without memory
        return Pyramid(name, pretrained=False, output_stride=8)


def dilations(stage):
    return [conv.dilation[0] for conv in stage.modules() if getattr(conv, "kernel_size", None) == (3, 3)]


@pytest.mark.parametrize(
    ("name", "size", "channels"), [("resnet18.tv_in1k", 11_176_512, 512), ("resnet50.tv_in1k", 23_508_032, 2048)]
)
def test_dilated_resnet_has_the_published_size(name, size, channels):
    backbone = dilated(name)
    assert parameters(backbone) == size
    assert backbone.channels == [channels]
    assert backbone.strides == [8]


@pytest.mark.parametrize(
    ("name", "third", "fourth"),
    [
        ("resnet18.tv_in1k", [1, 2, 2, 2], [2, 4, 4, 4]),
        ("resnet50.tv_in1k", [1, 2, 2, 2, 2, 2], [2, 4, 4]),
    ],
)
def test_strides_of_the_last_stages_become_dilations(name, third, fourth):
    body = dilated(name).body
    assert dilations(body["layer2"]) == [1] * len(dilations(body["layer2"]))
    assert dilations(body["layer3"]) == third
    assert dilations(body["layer4"]) == fourth
    strided = [conv for stage in ("layer3", "layer4") for conv in body[stage].modules() if hasattr(conv, "stride")]
    assert {conv.stride for conv in strided if isinstance(conv, nn.Conv2d)} == {(1, 1)}


@pytest.mark.parametrize("train", [False, True])
def test_maps_and_statistics_are_those_of_torchvision(train):
    """At an odd size, on a map larger than the dilations; a dilated network with basic blocks torchvision has not."""
    torch.manual_seed(0)
    shallow = {"layers": [2, 2, 2, 2], "output_stride": 8, "stages": (1, 2, 3, 4)}
    ours = Pyramid("resnet50.tv_in1k", pretrained=False, **shallow).double().train(train)
    dilate = {"replace_stride_with_dilation": [False, True, True]}
    theirs = resnet.ResNet(resnet.Bottleneck, [2, 2, 2, 2], **dilate).double().train(train)
    assert not theirs.load_state_dict(ours.body.state_dict(), strict=False).unexpected_keys
    image = torch.randn(2, 3, 75, 99, dtype=torch.float64)
    with torch.no_grad():
        x = theirs.maxpool(theirs.relu(theirs.bn1(theirs.conv1(image))))
        for stage, found in enumerate(ours(image), 1):
            x = getattr(theirs, f"layer{stage}")(x)
            torch.testing.assert_close(found, x, rtol=1e-9, atol=1e-12)
    buffers = dict(theirs.named_buffers())
    for name, buffer in ours.body.named_buffers():
        torch.testing.assert_close(buffer, buffers[name], rtol=1e-9, atol=1e-12)


def test_last_layer_is_the_last_convolution_of_the_residual_path():
    assert dilated("resnet18.tv_in1k").last_layer.shape == (512, 512, 3, 3)
    assert dilated("resnet50.tv_in1k").last_layer.shape == (2048, 512, 1, 1)
    narrow = Pyramid(**NARROW)  # its only block registers the projection shortcut after the residual path
    assert narrow.last_layer is narrow.body["layer4"][0].conv2.weight


@pytest.mark.parametrize(("stem_pool", "strides"), [(True, [4, 8, 8, 8]), (False, [2, 4, 4, 4])])
def test_channels_and_strides_tell_the_shape_of_the_maps(stem_pool, strides):
    backbone = Pyramid(**NARROW, stages=(1, 2, 3, 4), stem_pool=stem_pool)
    maps = backbone(torch.randn(2, 3, 64, 96))
    assert backbone.strides == strides
    assert backbone.channels == [16, 32, 48, 64]
    expected = [(2, c, 64 // s, 96 // s) for c, s in zip(backbone.channels, backbone.strides, strict=True)]
    assert [tuple(feature.shape) for feature in maps] == expected


def test_narrow_network_without_stem_pool_has_stride_four():
    backbone = Pyramid(**NARROW, stem_pool=False)
    (feature,) = backbone(torch.randn(1, 3, 64, 96))
    assert feature.shape == (1, 64, 16, 24)
    assert backbone.strides == [4]
    assert parameters(backbone) < 130_000


@pytest.mark.parametrize(("height", "width"), [(65, 97), (33, 50)])
def test_any_size_is_rounded_up_to_whole_map_pixels(height, width):
    backbone = Pyramid(**NARROW).eval()
    (feature,) = backbone(torch.randn(1, 3, height, width))
    assert feature.shape[2:] == (-(-height // 8), -(-width // 8))


def test_stages_behind_the_last_returned_one_do_not_exist():
    assert "layer3" not in dict(Pyramid(**NARROW, stages=(2,)).body.named_children())


INVERTED = [
    "tf_efficientnet_lite0",
    "efficientnet_b0",
    "mobilenetv2_050",
    "mobilenetv3_small_050",
    "mobilenetv4_conv_small_035",
    "mnasnet_small",
    "fbnetc_100",
]


@pytest.mark.parametrize("stages", [(1, 2, 3), (2,), (4,)], ids=str)
@pytest.mark.parametrize("name", INVERTED)
def test_inverted_residual_network_ends_with_the_last_returned_stage(name, stages):
    """Its parameters are those of the whole network up to the block that timm says the map comes from."""
    with torch.device("meta"):
        whole = timm.create_model(name)
        backbone = Pyramid(name, pretrained=False, output_stride=32, stages=stages)
    last = int(whole.feature_info[stages[-1]]["module"].split(".")[1])
    first = ("conv_stem.", "bn1.", *(f"blocks.{number}." for number in range(last + 1)))
    expected = {key for key, _ in whole.named_parameters() if key.startswith(first)}
    assert {key for key, _ in backbone.body.named_parameters()} == expected
    assert backbone.strides == [2 * 2**stage for stage in stages]


@pytest.mark.parametrize(("stages", "size"), [((2,), 55_504), ((1, 2, 3), 700_768), ((4,), 2_958_848)])
def test_cut_efficientnet_has_the_size_counted_by_hand(stages, size):
    with torch.device("meta"):
        backbone = Pyramid("tf_efficientnet_lite0.in1k", pretrained=False, output_stride=32, stages=stages)
    assert parameters(backbone) == size


@pytest.mark.parametrize("name", INVERTED)
def test_every_parameter_of_a_cut_network_gets_a_gradient(name):
    torch.manual_seed(0)
    backbone = Pyramid(name, pretrained=False, output_stride=32, stages=(1, 2, 3))
    sum(feature.square().mean() for feature in backbone(torch.randn(2, 3, 32, 32))).backward()
    assert all(parameter.grad.any() for parameter in backbone.parameters())
    assert any(parameter is backbone.last_layer for parameter in backbone.parameters())


def test_untrained_network_gives_the_last_layer_a_gradient_at_once():
    torch.manual_seed(0)
    backbone = Pyramid(**NARROW, stem_pool=False)
    sum(feature.square().mean() for feature in backbone(torch.randn(2, 3, 32, 32))).backward()
    assert all(parameter.grad.any() for parameter in backbone.parameters())


@pytest.mark.parametrize("stages", [(), (0, 4), (5,), (4, 1), (4, 4)])
def test_impossible_stages_are_refused(stages):
    with pytest.raises(ValueError, match="from 1 to 4 in ascending order, got"):
        Pyramid(**NARROW, stages=stages)


@pytest.mark.parametrize("name", ["mixnet_s", "regnetx_002", "convnext_atto", "densenet121"])
def test_network_of_another_kind_is_refused(name):
    with torch.device("meta"), pytest.raises(ValueError, match=rf"{name} cannot be cut .*: use a ResNet"):
        Pyramid(name, pretrained=False, output_stride=32, stages=(2,))


def test_unknown_name_is_refused_before_timm_sees_it():
    with pytest.raises(ValueError, match="no model 'resnet19'"):
        Pyramid("resnet19", pretrained=False, output_stride=8)
