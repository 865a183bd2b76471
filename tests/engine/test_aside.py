"""An objective of no task: its gradient is part of the update of every weighter, and of nothing else."""

import pytest
import torch
from networks import network
from torch import Tensor, nn

import mtl
from mtl.engine.cut import Aside
from mtl.weighters import AvgNorm, CAGrad, GradDrop, Uniform, Weighter

RULES = {
    "uniform": lambda: (Uniform(4), "shared"),
    "avgnorm": lambda: (AvgNorm(4), "features"),
    "avgnorm at the last layer": lambda: (AvgNorm(4), "last_layer"),
    "cagrad": lambda: (CAGrad(4, c=0.4, rescale=1), "shared"),
    "graddrop": lambda: (GradDrop(4, leak=0.0), "shared"),
    "graddrop at features": lambda: (GradDrop(4, leak=0.0), "features"),
}
IMAGES = torch.randn(3, 8, 3, 6, 6, dtype=torch.float64, generator=torch.Generator().manual_seed(1))


def objective(maps: list[Tensor], own: nn.Parameter) -> Tensor:
    """Reads all maps but the first."""
    return sum((own * m).square().mean() for m in maps[1:]) * 50


def gradients(rule: str, behind: str, aside: bool, parts: int = 1, **options) -> tuple[mtl.Gradients, list[Tensor]]:
    """Result and gradients of all parameters, the last one that of the objective's own."""
    model, image = network(several=True, behind=behind)
    image = torch.cat([image, image.flip(0)])[: 3 * parts]
    own = nn.Parameter(torch.full((), 2.0, dtype=torch.float64))
    weighter, scope = RULES[rule]()
    accumulation = mtl.Accumulation(weighter, parts, scope=scope, **options)
    for part in image.chunk(parts):
        features = mtl.cut(model.encoder(part), 4)
        if aside:
            copies = features.copy()
            features.aside = Aside(objective(copies, own), copies)
        shared = [*model.refinement.parameters()] if behind == "refinement" else []
        accumulation.add(model.decode(features), features, last_layer=model.encoder.last.weight, shared=shared)
    result = accumulation.finish()
    alone, _ = network(several=True, behind=behind)  # the objective by itself
    if aside:
        loss = sum(objective(alone.encoder(part), own) for part in image.chunk(parts)) / parts
        reached = [*alone.encoder.parameters()]
        expected = torch.autograd.grad(loss, [*reached, own], allow_unused=True)
        for parameter, theirs in zip(model.encoder.parameters(), expected, strict=False):
            parameter.grad -= theirs
        own.grad -= expected[-1]
    return result, [p.grad for p in model.parameters()] + [own.grad if aside else torch.zeros(())]


@pytest.mark.parametrize("behind", ["nothing", "refinement", "decoder"])
@pytest.mark.parametrize("rule", RULES)
def test_update_is_that_of_the_tasks_plus_its_gradient_and_weights_and_statistics_do_not_change(rule, behind):
    result, found = gradients(rule, behind, True, statistics="last_layer")
    plain, expected = gradients(rule, behind, False, statistics="last_layer")
    assert torch.equal(result.weights, plain.weights)
    assert torch.equal(result.losses, plain.losses)
    assert torch.equal(result.gramian, plain.gramian)
    largest = max(g.abs().max() for g in expected).item()
    for ours, theirs in zip(found, expected, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-9, atol=1e-12 * largest, check_dtype=False)


@pytest.mark.parametrize("mode", ["exact", "first"])
@pytest.mark.parametrize("rule", ["uniform", "avgnorm", "avgnorm at the last layer", "cagrad"])
def test_parts_of_a_batch_add_up(rule, mode):
    result, found = gradients(rule, "nothing", True, parts=2, mode=mode)
    plain, expected = gradients(rule, "nothing", False, parts=2, mode=mode)
    assert torch.equal(result.weights, plain.weights)
    largest = max(g.abs().max() for g in expected).item()
    for ours, theirs in zip(found, expected, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-9, atol=1e-12 * largest, check_dtype=False)


def test_objective_that_is_not_finite_makes_the_gradient_so():
    conv, head = nn.Conv2d(3, 4, 3), nn.Conv2d(4, 1, 1)
    for scope in ("last_layer", "shared"):
        conv.zero_grad()
        features = mtl.cut([conv(torch.ones(1, 3, 5, 5))], 1)
        copies = features.copy()
        features.aside = Aside(copies[0].sum() * torch.inf * 0, copies)
        result = mtl.backward([head(features[0][0]).mean()], features, AvgNorm(1), scope=scope, last_layer=conv.weight)
        assert not result.broken.any()
        assert not conv.weight.grad.isfinite().any()


def train(rule: Weighter, scope: str, parts: int, images: Tensor) -> list[Tensor]:
    """All parameters after three steps."""
    torch.manual_seed(0)
    encoder, heads = nn.Conv2d(3, 4, 3).double(), nn.ModuleList(nn.Conv2d(4, 1, 1) for _ in range(4)).double()
    own = nn.Parameter(torch.ones(4, 1, 1, dtype=torch.float64))
    for batch in images:
        for parameter in (*encoder.parameters(), *heads.parameters(), own):
            parameter.grad = None
        accumulation = mtl.Accumulation(rule, parts, scope=scope, loss_scale=8.0)
        for image in batch.chunk(parts):
            features = mtl.cut([encoder(image)], 4)
            copies = features.copy()
            features.aside = Aside((own * copies[0] - 1).abs().mean(), copies)
            losses = [3.0**t * (head(features[t][0]) - t).square().mean() for t, head in enumerate(heads)]
            accumulation.add(losses, features, last_layer=encoder.weight)
        accumulation.finish()
        with torch.no_grad():
            for parameter in (*encoder.parameters(), *heads.parameters(), own):
                parameter.sub_(1e-3 * parameter.grad)
    return [p.detach() for p in (*encoder.parameters(), own)]


CASES = [(rule, parts) for rule in ("uniform", "avgnorm at the last layer", "cagrad") for parts in (1, 2)]


def half(rank: int) -> dict:
    return {(rule, parts): train(*RULES[rule](), parts, IMAGES[:, rank::2]) for rule, parts in CASES}


def test_two_processes_and_parts_of_a_batch_equal_one_pass(two_processes):
    both = two_processes(half)
    for rule, parts in CASES:
        expected = train(*RULES[rule](), 1, IMAGES)
        for results in (train(*RULES[rule](), parts, IMAGES), *(one[rule, parts] for one in both)):
            for ours, theirs in zip(results, expected, strict=True):
                torch.testing.assert_close(ours, theirs, rtol=1e-8, atol=1e-11)
