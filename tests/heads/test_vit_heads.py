import pytest
import torch
import torch.nn.functional as F

from mtl.heads import LastTapHead, MultiTapHead

MAKE = {
    "multi_tap": lambda **options: MultiTapHead(in_channels=[8] * 4, stride=4, **options),
    "last_tap": lambda **options: LastTapHead(in_channels=[8] * 4, channels=6, **options),
}


@pytest.fixture(params=MAKE)
def make(request):
    torch.manual_seed(0)
    return MAKE[request.param]


def taps(batch=2, grid=(4, 6)):
    return [torch.randn(batch, 8, *grid) for _ in range(4)]


@pytest.mark.parametrize(("width", "size"), [(768, 5_932_072), (192, 377_128)])
def test_multi_tap_head_has_the_published_size(width, size):
    with torch.device("meta"):
        head = MultiTapHead(in_channels=[width] * 4, out_channels=40, stride=4)
    assert sum(p.numel() for p in head.parameters()) == size


def test_last_tap_head_is_two_convolutions_and_an_output():
    with torch.device("meta"):
        head = LastTapHead(in_channels=[192] * 4, out_channels=40, channels=512)
    expected = 9 * 192 * 192 + 2 * 192 + 9 * 192 * 512 + 2 * 512 + 512 * 40 + 40
    assert sum(p.numel() for p in head.parameters()) == expected


@pytest.mark.parametrize("size", [(64, 96), (448, 574), (61, 93)])
def test_prediction_has_the_size_asked_for(make, size):
    assert make(out_channels=3).eval()(taps(1), size).shape == (1, 3, *size)


def test_bias_starts_the_prediction(make):
    assert make(out_channels=2, bias=2.5).output.bias.tolist() == [2.5, 2.5]


def test_every_parameter_gets_a_gradient_and_no_tap_is_changed(make):
    head, features = make(out_channels=2), [tap.requires_grad_() for tap in taps()]
    head(features, (64, 96)).square().mean().backward()
    assert all(tap._version == 0 for tap in features)
    assert all(p.grad is not None for p in head.parameters())
    silent = [name for name, p in head.named_parameters() if p.grad.abs().max() < 1e-9]
    assert silent in ([], ["mix.0.bias"])  # before BatchNorm it has no effect


def test_multi_tap_head_reads_all_taps_and_last_tap_head_the_last():
    for name, expected in (("multi_tap", [True] * 4), ("last_tap", [False, False, False, True])):
        features = [tap.requires_grad_() for tap in taps()]
        MAKE[name](out_channels=1)(features, (64, 96)).square().mean().backward()
        assert [tap.grad is not None for tap in features] == expected


def test_convolution_works_at_a_quarter_of_the_image():
    head, seen = MAKE["multi_tap"](out_channels=1).eval(), []
    head.mix.register_forward_hook(lambda _, inputs, __: seen.append(tuple(inputs[0].shape)))
    head(taps(1, (32, 41)), (448, 574))  # patches of 14 pixels
    assert seen == [(1, 8, 112, 144)]


def test_linear_layers_come_before_the_upsampling_tap_by_tap():
    torch.manual_seed(0)
    head, features = MAKE["multi_tap"](out_channels=3).eval(), taps(1)
    tokens = [tap.flatten(2).transpose(1, 2) for tap in features]
    narrow = [F.linear(t, layer.weight[:, :, 0, 0], layer.bias) for t, layer in zip(tokens, head.narrow, strict=True)]
    up = [
        F.interpolate(t.transpose(1, 2).unflatten(2, (4, 6)), size=(16, 24), mode="bilinear", align_corners=False)
        for t in narrow
    ]
    expected = head.output(head.mix(torch.cat(up, dim=1)))
    expected = F.interpolate(expected, size=(64, 96), mode="bilinear", align_corners=False)
    assert torch.allclose(head(features, (64, 96)), expected, atol=1e-6)


@pytest.mark.parametrize("in_channels", [[8, 8, 8, 16], [8, 8, 8]])
def test_taps_that_do_not_fit_are_refused(in_channels):
    with pytest.raises(ValueError, match="taps of equal width, a multiple of their number, got"):
        MultiTapHead(in_channels=in_channels, out_channels=1, stride=4)
