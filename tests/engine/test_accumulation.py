"""Micro-batches give the same result as the whole batch."""

import pytest
import torch
from networks import Network, network
from torch import Tensor

import mtl
from mtl.weighters import AvgNorm, Fixed, Needs, Uniform, Update, Weighter

SCOPES = ["features", "last_layer", "shared"]


class Steep(Weighter):
    """Depends on the scale of losses and gradients, to expose a wrong factor; heads get different weights."""

    needs = Needs.GRAMIAN
    native = "mean"

    def forward(self, losses, gradients=None, active=None):
        return Update(weights=losses * gradients.diagonal(), shared_weights=gradients.sum(0))


class Cubic(Weighter):
    """An elementwise update that depends on the scale."""

    needs = Needs.GRADIENTS
    native = "sum"

    def forward(self, losses, gradients=None, active=None):
        return Update(weights=losses, direction=(gradients**3).sum(0))


class Learned(Weighter):
    """Weights from the losses, and a penalty on its own parameter."""

    needs = Needs.LOSSES
    native = "own"

    def __init__(self, num_tasks):
        super().__init__(num_tasks)
        self.s = torch.nn.Parameter(torch.zeros(num_tasks).double())

    def forward(self, losses, gradients=None, active=None):
        return Update(weights=losses.square(), penalty=(self.s * losses).sum())


def update(model: Network, images: list[Tensor], weighter: Weighter, mode="exact", loss_scale=None, **options):
    """Gradients of everything after one update from the parts."""
    model.eval()  # BatchNorm would see each part by itself
    model.zero_grad()
    weighter.zero_grad()
    accumulation = mtl.Accumulation(weighter, len(images), mode, loss_scale=loss_scale, **options)
    for image in images:
        features = mtl.cut(model.encoder(image), len(model.heads))
        shared = [] if model.refinement is None else model.refinement.parameters()
        accumulation.add(model.decode(features), features, last_layer=model.encoder.last.weight, shared=shared)
    result = accumulation.finish()
    named = [*model.named_parameters(), *weighter.named_parameters()]
    return result, {name: p.grad for name, p in named}


def halves(image: Tensor) -> list[Tensor]:
    return list(image[[0, 1, 2, 0]].chunk(2))


def assert_same(found, expected, factor=1.0):
    assert found.keys() == expected.keys()
    for name, gradient in expected.items():
        torch.testing.assert_close(
            found[name], gradient * factor, rtol=1e-9, atol=1e-12 * factor, msg=lambda m, n=name: f"{n}: {m}"
        )


@pytest.mark.parametrize("several", [False, True])
@pytest.mark.parametrize("behind", ["nothing", "refinement", "exchange", "decoder"])
@pytest.mark.parametrize("kind", [Uniform, Steep, AvgNorm, Learned])
@pytest.mark.parametrize("scope", SCOPES)
def test_two_halves_equal_the_whole(scope, kind, behind, several):
    model, image = network(behind=behind, several=several)
    parts = halves(image)
    whole, expected = update(model, [torch.cat(parts)], kind(4), scope=scope, statistics="features")
    result, found = update(model, parts, kind(4), scope=scope, statistics="features")
    torch.testing.assert_close(result.losses, whole.losses)
    torch.testing.assert_close(result.weights, whole.weights)
    if not result.gramian.equal(whole.gramian) and kind is not Uniform:  # constant weights: the first part's
        torch.testing.assert_close(result.gramian, whole.gramian)
    assert_same(found, expected)


def test_elementwise_update_of_two_halves_equals_that_of_the_whole():
    model, image = network(behind="refinement")
    parts = halves(image)
    _, expected = update(model, [torch.cat(parts)], Cubic(4), statistics="shared")
    _, found = update(model, parts, Cubic(4), statistics="shared")
    assert_same(found, expected)


@pytest.mark.parametrize(("mode", "scope"), [("first", "shared"), ("exact", "features")])
def test_elementwise_update_is_refused_where_it_cannot_be_exact(mode, scope):
    with pytest.raises(ValueError, match="Cubic with micro-batches needs the sum of their rows"):
        mtl.Accumulation(Cubic(4), 2, mode, scope=scope)


@pytest.mark.parametrize("scope", SCOPES)
def test_first_part_decides_in_the_cheap_mode(scope):
    model, image = network()
    parts = halves(image)
    alone, _ = update(model, parts[:1], AvgNorm(4), scope=scope)
    result, found = update(model, parts, AvgNorm(4), "first", scope=scope)
    torch.testing.assert_close(result.weights, alone.weights)
    _, expected = update(model, [torch.cat(parts)], Fixed(4, alone.weights.tolist()))
    assert_same(found, expected)


@pytest.mark.parametrize("parts", [1, 2])
@pytest.mark.parametrize("mode", ["exact", "first"])
@pytest.mark.parametrize("kind", [Uniform, Steep, Learned])
@pytest.mark.parametrize("scope", SCOPES)
def test_loss_scale_is_on_the_gradients_and_hidden_from_the_weighter(scope, kind, mode, parts):
    model, image = network(behind="refinement")
    images = halves(image) if parts == 2 else [image]
    plain, expected = update(model, images, kind(4), mode, scope=scope)
    scaled, found = update(model, images, kind(4), mode, loss_scale=torch.tensor(1024.0), scope=scope)
    torch.testing.assert_close(scaled.weights, plain.weights)
    assert_same(found, expected, 1024.0)


def test_loss_scale_of_an_elementwise_update():
    model, image = network()
    _, expected = update(model, [image], Cubic(4))
    _, found = update(model, [image], Cubic(4), loss_scale=1024.0)
    assert_same(found, expected, 1024.0)


@pytest.mark.parametrize("scope", SCOPES)
@pytest.mark.parametrize("loss_scale", [None, 1024.0])
def test_overflow_of_a_left_out_gradient_reaches_the_scaler(scope, loss_scale):
    model, image = network()
    features = mtl.cut(model.encoder(image), 4)
    features.copies[1][0].register_hook(lambda g: g * torch.inf)
    result = mtl.backward(
        model.decode(features),
        features,
        AvgNorm(4),
        scope=scope,
        last_layer=model.encoder.last.weight,
        loss_scale=loss_scale,
    )
    assert result.active.tolist() == [True, False, True, True]
    finite = all(p.grad.isfinite().all() for p in model.encoder.parameters())
    assert finite == (loss_scale is None)


def test_a_missing_part_is_named():
    with pytest.raises(ValueError, match="0 of 2 micro-batches added"):
        mtl.Accumulation(Uniform(4), 2).finish()


@pytest.mark.parametrize("kind", [Uniform, Learned])
def test_frozen_encoder_needs_no_rows(kind):
    model, image = network(behind="refinement")
    model.encoder.requires_grad_(False)
    parts = halves(image)
    _, expected = update(model, [torch.cat(parts)], kind(4))
    _, found = update(model, parts, kind(4))
    assert found["encoder.last.weight"] is None
    kept = [name for name, gradient in expected.items() if gradient is not None]
    assert_same({name: found[name] for name in kept}, {name: expected[name] for name in kept})
