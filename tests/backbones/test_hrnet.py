import pytest
import torch
import torch.nn.functional as F
from torch import nn

from mtl.backbones import HRNet

NAME = "hrnet_w18_small_v2.ms_in1k"


def encoder(upsample="bilinear", bn_momentum=0.01):
    return HRNet(NAME, pretrained=False, upsample=upsample, bn_momentum=bn_momentum)


@pytest.fixture(scope="module")
def hrnet():
    torch.manual_seed(0)
    return encoder()


def test_four_branches_keep_their_resolutions(hrnet):
    maps = hrnet.eval()(torch.randn(1, 3, 64, 96))
    assert hrnet.channels == [18, 36, 72, 144]
    assert hrnet.strides == [4, 8, 16, 32]
    assert [tuple(m.shape) for m in maps] == [(1, 18, 16, 24), (1, 36, 8, 12), (1, 72, 4, 6), (1, 144, 2, 3)]


def test_encoder_has_the_published_size(hrnet):
    assert sum(p.numel() for p in hrnet.parameters()) == 3_860_720


@pytest.mark.parametrize("upsample", ["bilinear", "nearest"])
def test_branches_meet_with_the_upsampling_asked_for(upsample):
    layer = encoder(upsample).eval().body.stage4[-1].fuse_layers[0][3]  # stride 32 to stride 4
    x = torch.randn(1, 144, 2, 3)
    options = {"align_corners": False} if upsample == "bilinear" else {}
    torch.testing.assert_close(layer(x), F.interpolate(layer[:-1](x), size=(16, 24), mode=upsample, **options))


def test_every_batchnorm_has_the_momentum_asked_for(hrnet):
    norms = [module for module in hrnet.modules() if isinstance(module, nn.modules.batchnorm._BatchNorm)]
    assert len(norms) > 100
    assert {norm.momentum for norm in norms} == {0.01}


@pytest.mark.parametrize("option", [{"upsample": "bicubic"}, {"bn_momentum": 0}, {"bn_momentum": 1.5}])
def test_unknown_upsampling_and_impossible_momentum_are_refused(option):
    with pytest.raises(ValueError, match=f"{next(iter(option))} must be .*, got .*{next(iter(option.values()))}"):
        encoder(**option)


def test_every_parameter_gets_a_gradient_at_once(hrnet):
    hrnet.train().zero_grad()
    sum(m.square().mean() for m in hrnet(torch.randn(2, 3, 64, 64))).backward()
    assert [name for name, parameter in hrnet.named_parameters() if not parameter.grad.any()] == []


def test_last_layer_reaches_all_four_maps_and_nothing_behind_it_does(hrnet):
    hrnet.eval()
    maps = hrnet(torch.randn(1, 3, 64, 64))

    def reached(weight):
        return [
            torch.autograd.grad(m.square().sum(), weight, retain_graph=True, allow_unused=True)[0] is not None
            for m in maps
        ]

    assert reached(hrnet.last_layer) == [True] * 4
    assert hrnet.last_layer.shape == (18, 18, 3, 3)
    exchange = [p for p in hrnet.body.stage4[-1].fuse_layers.parameters() if p.dim() == 4]
    assert max(sum(reached(weight)) for weight in exchange) == 1


def test_sides_must_be_multiples_of_32(hrnet):
    hrnet.check_size(torch.empty(1, 3, 448, 576))
    with pytest.raises(ValueError, match=r"image of 425 x 560: sides must be multiples of 32; .* 448 x 576"):
        hrnet.check_size(torch.empty(1, 3, 425, 560))
