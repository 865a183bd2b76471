"""Tasks whose gradient is not finite, with every weighter."""

import pytest
import torch
from networks import network
from torch import nn

import mtl
from mtl.weighters import UW, AvgNorm, Fixed, Uniform, Weighter

RULES = [Uniform, lambda n: Fixed(n, [1, 2, 3, 4]), lambda n: UW(n, 0.0), AvgNorm]
NAMES = ["Uniform", "Fixed", "UW", "AvgNorm"]


def step(rule, place: str | None, broken: float = torch.nan, behind: str = "nothing", **options):
    """Model and result of one backward pass in which the second task's gradient is not finite at some place."""
    weighter: Weighter = rule(4)
    model, image = network(behind=behind)
    features = mtl.cut(model.encoder(image), 4)
    losses = model.decode(features)
    if place == "features":
        features.copies[1][0].register_hook(lambda gradient: gradient * broken)
    elif place == "head":
        model.heads[1].out.weight.register_hook(lambda gradient: gradient * broken)
    shared = [] if model.refinement is None else model.refinement.parameters()
    return model, mtl.backward(losses, features, weighter, shared=shared, **options)


@pytest.mark.parametrize("behind", ["nothing", "refinement"])
@pytest.mark.parametrize("broken", [torch.nan, torch.inf])
@pytest.mark.parametrize("place", ["features", "head"])
@pytest.mark.parametrize("rule", RULES, ids=NAMES)
def test_it_counts_as_inactive(rule, place, broken, behind):
    model, result = step(rule, place, broken, behind, scope="features")
    others = torch.tensor([True, False, True, True])
    assert torch.equal(result.active, others)
    assert torch.equal(result.broken, ~others)
    assert result.weights[1] == 0
    assert not model.heads[1].out.weight.grad.any()

    expected, quiet = step(rule, None, behind=behind, scope="features", active=others)
    assert not quiet.broken.any()
    for (name, found), parameter in zip(model.named_parameters(), expected.parameters(), strict=True):
        assert torch.equal(found.grad, parameter.grad), name


def test_a_root_at_zero_does_not_affect_other_tasks():
    model, image = network()
    features = mtl.cut(model.encoder(image), 4)
    losses = model.decode(features)
    losses[1] = losses[1] + (0 * features[1]).square().sum().sqrt()  # value 0, derivative NaN
    assert mtl.backward(losses, features, Uniform(4)).active.tolist() == [True, False, True, True]
    assert all(parameter.grad.isfinite().all() for parameter in model.parameters())


@pytest.mark.parametrize("rule", RULES, ids=NAMES)
def test_where_nothing_breaks_every_task_takes_part(rule):
    _, result = step(rule, None, scope="features")
    assert result.active.all()
    assert not result.broken.any()


@pytest.mark.parametrize("place", ["features", "head"])
@pytest.mark.parametrize("rule", RULES, ids=NAMES)
def test_a_loss_scaler_hears_of_it(rule, place):
    model, _ = step(rule, place, torch.inf, scope="features", loss_scale=4.0)
    assert any(parameter.grad.isinf().any() for parameter in model.parameters())


def test_a_task_without_labels_is_never_broken():
    _, result = step(Uniform, "features", active=torch.tensor([True, False, True, True]))
    assert not result.broken.any()


def test_decoders_that_read_each_other_leave_it_to_the_guard():
    model, result = step(Uniform, "features", behind="decoder")
    assert result.active.all()  # one pass for the sum of all losses cannot tell whose it is
    assert nn.utils.clip_grad_norm_(model.parameters(), 1.0).isnan()


@pytest.mark.parametrize("part", [0, 1])
@pytest.mark.parametrize("mode", ["exact", "first"])
@pytest.mark.parametrize("rule", RULES, ids=NAMES)
def test_in_one_part_of_several_it_affects_no_update(rule, mode, part):
    model, image = network()
    accumulation = mtl.Accumulation(rule(4), 2, mode, scope="features")
    for number in range(2):
        features = mtl.cut(model.encoder(image), 4)
        if number == part:
            features.copies[1][0].register_hook(lambda gradient: gradient * torch.nan)
        accumulation.add(model.decode(features), features)
    assert accumulation.finish().broken.tolist() == [False, True, False, False]
    assert all(parameter.grad.isfinite().all() for parameter in model.parameters())
