import pytest
import torch
from networks import Network, network
from torch import Tensor, nn

import mtl
from mtl.weighters import AvgNorm, Fixed, Needs, Uniform, Update, Weighter

SHAPES = [
    {"several": several, "behind": behind}
    for several in (False, True)
    for behind in ("nothing", "refinement", "exchange", "decoder")
]


class Raw(Weighter):
    """Uses different coefficients for the encoder and for the heads."""

    needs = Needs.GRAMIAN
    native = "mean"

    def forward(self, losses, gradients=None, active=None):
        return Update(weights=torch.ones_like(losses) / 4, shared_weights=torch.tensor([0.1, 0.2, 0.3, 0.4]).double())


class Elementwise(Weighter):
    """Sums the rows, as an elementwise method would."""

    needs = Needs.GRADIENTS
    native = "sum"

    def forward(self, losses, gradients=None, active=None):
        return Update(weights=torch.ones_like(losses), direction=gradients.sum(0))


def gradients_of(model: nn.Module) -> dict[str, Tensor]:
    return {name: p.grad.clone() for name, p in model.named_parameters()}


def assert_same(found: dict[str, Tensor], expected: dict[str, Tensor]) -> None:
    assert found.keys() == expected.keys()
    for name, gradient in expected.items():
        torch.testing.assert_close(found[name], gradient, rtol=1e-10, atol=1e-12, msg=lambda m, n=name: f"{n}: {m}")


def written_out(model: Network, image: Tensor, weights: Tensor) -> dict[str, Tensor]:
    model.zero_grad()
    maps = model.encoder(image)
    (weights * torch.stack(model.decode([maps] * len(model.heads)))).sum().backward()
    return gradients_of(model)


def one_pass(model: Network, image: Tensor, weighter: Weighter, stacked: bool = False, **options) -> mtl.Gradients:
    model.zero_grad()
    features = mtl.cut(model.encoder(image), len(model.heads))
    losses = model.decode(features)
    return mtl.backward(
        torch.stack(losses) if stacked else losses, features, weighter, last_layer=model.encoder.last.weight, **options
    )


@pytest.mark.parametrize("scope", ["features", "last_layer", "shared"])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("weighter", [Uniform(4), Fixed(4, [1, 2, 3, 0.5]), AvgNorm(4)], ids=lambda w: type(w).__name__)
def test_every_gradient_equals_the_written_out_weighted_loss(weighter, shape, scope):
    model, image = network(**shape)
    shared = [] if model.refinement is None else model.refinement.parameters()
    result = one_pass(model, image, weighter, scope=scope, shared=shared, statistics="last_layer")
    found, buffers = gradients_of(model), [b.clone() for b in model.buffers()]
    assert torch.isfinite(result.weights).all()
    assert (result.weights > 0).all()

    model, image = network(**shape)
    assert_same(found, written_out(model, image, result.weights))
    for ours, theirs in zip(buffers, model.buffers(), strict=True):
        assert torch.equal(ours, theirs)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_gramian_equals_that_of_separate_backward_passes(shape):
    model, image = network(**shape)
    refinement = [] if model.refinement is None else list(model.refinement.parameters())
    rows = {"features": [], "last_layer": [], "shared": []}
    for task in range(4):
        maps = model.encoder(image)
        loss = model.decode([maps] * 4)[task]
        free = [m.detach().requires_grad_() for m in (maps if shape["several"] else [maps])]
        loss_of_maps = model.decode([free if shape["several"] else free[0]] * 4)[task]
        targets = {
            "features": (loss_of_maps, free),
            "last_layer": (loss, [model.encoder.last.weight]),
            "shared": (loss, [*model.encoder.parameters(), *refinement]),
        }
        for scope, (value, tensors) in targets.items():
            gradients = torch.autograd.grad(value, tensors, retain_graph=True, materialize_grads=True)
            rows[scope].append(torch.cat([g.flatten() for g in gradients]))
    for scope, flat in rows.items():
        result = one_pass(model, image, Uniform(4), statistics=scope, shared=refinement)
        expected = torch.stack(flat) @ torch.stack(flat).T
        torch.testing.assert_close(result.gramian, expected, rtol=1e-10, atol=1e-14 * expected.max().item())


@pytest.mark.parametrize("behind", ["nothing", "refinement"])
def test_stacked_losses_give_the_same_gradients(behind):
    model, image = network(behind=behind)
    one_pass(model, image, AvgNorm(4), scope="features")
    expected = gradients_of(model)
    one_pass(model, image, AvgNorm(4), scope="features", stacked=True)
    assert_same(gradients_of(model), expected)


@pytest.mark.parametrize("scope", ["features", "last_layer", "shared"])
def test_raw_heads_and_mean_scale_are_the_engines_business(scope):
    model, image = network()
    result = one_pass(model, image, Raw(4), scope=scope, heads="raw")
    found = gradients_of(model)
    torch.testing.assert_close(result.shared_weights, torch.tensor([0.4, 0.8, 1.2, 1.6]).double())
    heads = {n: g for n, g in written_out(model, image, torch.ones(4).double()).items() if n.startswith("heads")}
    encoder = written_out(model, image, result.shared_weights)
    assert_same(found, {n: heads.get(n, g) for n, g in encoder.items()})

    one_pass(model, image, Raw(4), scope=scope, scale="native")
    assert_same(
        {n: g for n, g in gradients_of(model).items() if n.startswith("encoder")},
        {n: g / 4 for n, g in encoder.items() if n.startswith("encoder")},
    )


@pytest.mark.parametrize("scope", ["features", "shared"])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_elementwise_direction_reaches_every_shared_parameter(shape, scope):
    model, image = network(**shape)
    refinement = [] if model.refinement is None else list(model.refinement.parameters())
    one_pass(model, image, Elementwise(4), scope=scope, shared=refinement)
    found = gradients_of(model)
    assert_same(found, written_out(model, image, torch.ones(4).double()))


@pytest.mark.parametrize("statistics", ["features", "last_layer", "shared"])
@pytest.mark.parametrize("scope", ["features", "last_layer", "shared"])
@pytest.mark.parametrize("weighter", [Uniform(4), AvgNorm(4), Elementwise(4)], ids=lambda w: type(w).__name__)
def test_what_is_recorded_changes_no_bit_of_the_update(weighter, scope, statistics):
    if isinstance(weighter, Elementwise) and scope == "last_layer":
        return
    model, image = network(several=True, behind="refinement")
    one_pass(model, image, weighter, scope=scope, shared=list(model.refinement.parameters()))
    expected = gradients_of(model)
    model, image = network(several=True, behind="refinement")
    shared = list(model.refinement.parameters())
    one_pass(model, image, weighter, scope=scope, shared=shared, statistics=statistics)
    assert all(torch.equal(gradient, expected[name]) for name, gradient in gradients_of(model).items())


def test_elementwise_direction_at_the_last_layer_is_refused():
    model, image = network()
    with pytest.raises(ValueError, match="use scope features"):
        one_pass(model, image, Elementwise(4), scope="last_layer")


@pytest.mark.parametrize("scope", ["features", "last_layer", "shared"])
def test_second_micro_batch_adds_to_the_first(scope):
    model, image = network()
    features = mtl.cut(model.encoder(image), 4)
    for _ in range(2):
        features = mtl.cut(model.encoder(image), 4)
        mtl.backward(model.decode(features), features, AvgNorm(4), scope=scope, last_layer=model.encoder.last.weight)
    twice = gradients_of(model)
    one_pass(model, image, AvgNorm(4), scope=scope)
    assert_same(twice, {n: 2 * g for n, g in gradients_of(model).items()})


@pytest.mark.parametrize("scope", ["features", "last_layer", "shared"])
@pytest.mark.parametrize("broken", [float("nan"), float("inf")])
def test_task_with_a_broken_loss_adds_nothing(scope, broken):
    model, image = network()
    features = mtl.cut(model.encoder(image), 4)
    losses = model.decode(features)
    losses[1] = losses[1] * broken
    result = mtl.backward(losses, features, AvgNorm(4), scope=scope, last_layer=model.encoder.last.weight)
    assert result.active.tolist() == [True, False, True, True]
    assert result.weights[1] == 0
    found = gradients_of(model)
    assert all((g == 0).all() for n, g in found.items() if n.startswith("heads.1"))
    assert_same(found, written_out(model, image, result.weights))


def test_task_without_labels_adds_nothing():
    model, image = network()
    active = torch.tensor([True, True, True, False])
    result = one_pass(model, image, AvgNorm(4), scope="shared", active=active)
    assert result.weights[3] == 0
    found = gradients_of(model)
    assert_same(found, written_out(model, image, result.weights))


def test_task_that_does_not_reach_the_encoder_keeps_weight_one():
    model, image = network()
    features = mtl.cut(model.encoder(image), 4)
    losses = model.decode(features)
    losses[2] = model.heads[2].out.bias.square().sum()
    result = mtl.backward(losses, features, AvgNorm(4), scope="features")
    assert result.weights[2] == 1
    assert torch.isfinite(result.weights).all()


def test_frozen_encoder_still_trains_the_heads():
    model, image = network()
    model.encoder.requires_grad_(False)
    result = one_pass(model, image, Fixed(4, [1, 2, 3, 4]))
    expected = written_out_heads(model, image, result.weights)
    assert all(torch.allclose(model.get_parameter(n).grad, g) for n, g in expected.items())


@pytest.mark.parametrize("scope", ["features", "last_layer", "shared"])
def test_frozen_encoder_has_no_task_gradients(scope):
    model, image = network()
    model.encoder.requires_grad_(False)
    with pytest.raises(ValueError, match=f"encoder is frozen.*{scope}"):
        one_pass(model, image, AvgNorm(4), scope=scope)


def written_out_heads(model: Network, image: Tensor, weights: Tensor) -> dict[str, Tensor]:
    names = [n for n, _ in model.heads.named_parameters()]
    loss = (weights * torch.stack(model.decode([model.encoder(image)] * 4))).sum()
    return dict(
        zip([f"heads.{n}" for n in names], torch.autograd.grad(loss, list(model.heads.parameters())), strict=True)
    )


def test_bad_input_is_named():
    model, image = network()
    features = mtl.cut(model.encoder(image), 4)
    with pytest.raises(ValueError, match="3 losses"):
        mtl.backward(model.decode(features)[:3], features, Uniform(4))
    with pytest.raises(ValueError, match=r"torch\.stack"):
        mtl.backward(torch.stack(model.decode(features)) * 2, features, Uniform(4))
    with pytest.raises(ValueError, match="last_layer="):
        mtl.backward(model.decode(features), features, AvgNorm(4), scope="last_layer")
    features = mtl.cut(model.encoder(image), 4)
    losses = model.decode(features)
    with pytest.raises(ValueError, match="not a parameter of the encoder"):
        mtl.backward(losses, features, AvgNorm(4), scope="last_layer", last_layer=image)


@pytest.mark.parametrize("several", [False, True])
def test_weights_of_losses_take_one_pass_over_a_decoder_that_tasks_share(several):
    model, image = network(several=several, behind="decoder")
    passes = 0

    def count(_: Tensor) -> None:
        nonlocal passes
        passes += 1

    model.refinement.weight.register_hook(count)
    one_pass(model, image, Fixed(4, [1, 2, 3, 4]))
    assert passes == 1
    plain = gradients_of(model)
    one_pass(model, image, Fixed(4, [1, 2, 3, 4]), statistics="features")
    assert passes == 1 + 4 + 1
    found = gradients_of(model)  # what is logged changes no bit
    assert all(torch.equal(found[name], plain[name]) for name in plain)


def test_loss_that_is_not_finite_is_left_out_of_a_shared_decoder():
    model, image = network(behind="decoder")
    features = mtl.cut(model.encoder(image), 4)
    losses = model.decode(features)
    losses[1] = losses[1] * torch.nan
    result = mtl.backward(losses, features, Uniform(4))
    assert result.active.tolist() == [True, False, True, True]
    found = {name: p.grad for name, p in model.named_parameters() if p.grad is not None}
    expected = written_out(model, image, torch.tensor([1.0, 0.0, 1.0, 1.0]).double())
    assert not expected["heads.1.out.weight"].any()
    assert_same(found, {name: expected[name] for name in found})
    assert set(expected) - set(found) == {name for name in expected if name.startswith("heads.1.")}


@pytest.mark.parametrize("scope", ["features", "last_layer", "shared"])
def test_backward_inside_autocast_is_as_exact_as_outside(scope):
    def run(inside: bool) -> tuple[Tensor, dict[str, Tensor]]:
        model, image = network(several=True)
        model.float()
        with torch.autocast("cpu", dtype=torch.bfloat16):
            features = mtl.cut(model.encoder(image.float()), 4)
            losses = model.decode(features)
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=inside):
            result = mtl.backward(losses, features, AvgNorm(4), scope=scope, last_layer=model.encoder.last.weight)
        return result.weights, gradients_of(model)

    (inside, gradients), (outside, expected) = run(True), run(False)
    assert torch.equal(inside, outside)
    assert all(torch.equal(gradients[name], gradient) for name, gradient in expected.items())
