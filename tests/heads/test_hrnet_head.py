import pytest
import torch
import torch.nn.functional as F

from mtl.heads import HRNetHead


def maps(batch=2):
    return [torch.randn(batch, c, 16 // s, 24 // s) for c, s in ((3, 1), (4, 2), (5, 4), (6, 8))]


def head(out_channels=2, **options):
    torch.manual_seed(0)
    return HRNetHead(in_channels=[3, 4, 5, 6], out_channels=out_channels, **options)


@pytest.mark.parametrize(("out_channels", "size"), [(1, 73_981), (40, 84_550)])
def test_head_has_the_published_size(out_channels, size):
    with torch.device("meta"):
        published = HRNetHead(in_channels=[18, 36, 72, 144], out_channels=out_channels)
    assert sum(p.numel() for p in published.parameters()) == size


@pytest.mark.parametrize("size", [(64, 96), (61, 93)])
def test_prediction_has_the_size_asked_for(size):
    assert head()(maps(), size).shape == (2, 2, *size)


def test_constant_maps_are_concatenated_finest_first():
    ours = head().eval()
    values = [1.0, -2.0, 3.0, 0.5]
    constant = [torch.full_like(m, v) for m, v in zip(maps(), values, strict=True)]
    pixel = torch.cat([torch.full((1, c, 1, 1), v) for c, v in zip((3, 4, 5, 6), values, strict=True)], dim=1)
    expected = ours.output(ours.mix(pixel))
    assert torch.allclose(ours(constant, (32, 48)), expected.expand(2, 2, 32, 48), atol=1e-6)


def test_coarse_maps_are_upsampled_bilinearly():
    ours = head().eval()
    features = maps()
    up = [F.interpolate(m, size=(16, 24), mode="bilinear", align_corners=False) for m in features]
    assert torch.allclose(ours(features, (16, 24)), ours.output(ours.mix(torch.cat(up, dim=1))), atol=1e-6)


def test_every_map_and_parameter_gets_a_gradient_and_no_map_is_changed():
    ours, features = head(), [m.requires_grad_() for m in maps()]
    ours(features, (64, 96)).square().mean().backward()
    assert all(m.grad.any() and m._version == 0 for m in features)
    assert all(p.grad is not None for p in ours.parameters())
    # the bias before BatchNorm exists for the published parameter count and has no effect
    assert [n for n, p in ours.named_parameters() if p.grad.abs().max() < 1e-9] in ([], ["mix.0.bias"])


def test_bias_starts_the_prediction():
    assert head(bias=2.5).output.bias.tolist() == [2.5, 2.5]
