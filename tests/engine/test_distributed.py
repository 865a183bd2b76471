"""Two processes with half the batch each train like one with the whole batch, for every weighter and scope."""

from collections.abc import Mapping
from copy import deepcopy

import catalogue
import pytest
import torch
from torch import Tensor, nn

import mtl
from mtl.engine.distributed import average_buffers, mean_over_ranks
from mtl.weighters import AvgNorm, GradDrop, Needs, Uniform, Update, Weighter

TASKS = "semseg,depth,edge"
STEPS = 3


class Steep(Weighter):
    """Depends on the scale of losses and gradients, to expose a wrong factor between processes."""

    needs = Needs.GRAMIAN
    native = "own"

    def forward(self, losses, gradients=None, active=None):
        return Update(weights=gradients.diagonal() * losses)


RUNS = [(name, scope, parts) for name in catalogue.NAMES for scope in catalogue.scopes(name) for parts in (1, 2)]
RUNS += [("steep", scope, parts) for scope in ("features", "last_layer", "shared") for parts in (1, 2)]
RUNS = [run for run in RUNS if run != ("graddrop", "features", 2)]  # refused: it needs the whole batch at once


def method(name: str) -> tuple[Weighter, Mapping[str, str]]:
    """The weighter, and how the engine applies it."""
    return (Steep(3), {}) if name == "steep" else (catalogue.weighter(name, TASKS), catalogue.applied(name))


def train(method: tuple[Weighter, Mapping[str, str]], scope: str, parts: int, images: Tensor) -> list[Tensor]:
    """Weights of three steps and the resulting parameters, without BatchNorm, which would see half the batch."""
    torch.manual_seed(0)
    encoder = nn.Sequential(nn.Conv2d(3, 5, 3), nn.Tanh(), nn.Conv2d(5, 4, 3)).double()
    heads = nn.ModuleList(nn.Conv2d(4, 2, 1) for _ in range(3)).double()
    weighter, applied = deepcopy(method)
    if isinstance(weighter, GradDrop) and scope == "features":  # a process draws only for its own coordinates
        weighter.draw_mask = lambda size: torch.full((size,), 0.5)
    parameters = [*encoder.parameters(), *heads.parameters(), *weighter.parameters()]

    def losses_of(features) -> list[Tensor]:
        return [3.0**t * (head(features[t]) - t).square().mean() for t, head in enumerate(heads)]

    weights = []
    for batch in images:
        for parameter in parameters:
            parameter.grad = None
        weighter.observe(1 / (1 + mean_over_ranks(torch.stack(losses_of([encoder(batch)] * 3)).detach())))
        accumulation = mtl.Accumulation(weighter, parts, **applied | {"scope": scope})
        for image in batch.chunk(parts):
            features = mtl.cut(encoder(image), 3)
            accumulation.add(losses_of(features), features, last_layer=encoder[2].weight)
        weights.append(accumulation.finish().weights)
        descend(parameters)
        again = torch.stack(losses_of([encoder(batch)] * 3)).detach()
        weighter.after_step(mean_over_ranks(again) if weighter.recompute else None)
        weighter.after_epoch()
    return [torch.stack(weights), *(parameter.detach() for parameter in parameters)]


@torch.no_grad()
def descend(parameters: list[Tensor]) -> None:
    """A step without torch.optim, which takes a new process seconds to import."""
    for parameter in parameters:
        if parameter.grad is not None:
            parameter.sub_(1e-3 * parameter.grad)


def batches() -> Tensor:
    return torch.randn(STEPS, 8, 3, 8, 8, dtype=torch.float64, generator=torch.Generator().manual_seed(1))


def left_out(rank: int) -> list[bool]:
    """Tasks left out of a step if only the second process has a gradient that is not finite."""
    encoder, heads = nn.Conv2d(3, 4, 3), nn.ModuleList(nn.Conv2d(4, 1, 1) for _ in range(3))
    features = mtl.cut(encoder(torch.ones(1, 3, 5, 5)), 3)
    losses = [head(features[t]).square().mean() for t, head in enumerate(heads)]
    features.copies[1][0].register_hook(lambda gradient: gradient * (1.0 if rank == 0 else torch.nan))
    result = mtl.backward(losses, features, Uniform(3))
    assert encoder.weight.grad.isfinite().all()
    return result.broken.tolist()


def with_wrapper(rank: int) -> list[bool]:
    """Whether an encoder in DistributedDataParallel gets the same gradient as without it, at each scope."""
    same = []
    for scope in ("features", "last_layer", "shared"):
        gradients = []
        for wrap in (lambda encoder: encoder, nn.parallel.DistributedDataParallel):
            torch.manual_seed(0)
            encoder, heads = nn.Conv2d(3, 4, 3), nn.ModuleList(nn.Conv2d(4, 1, 1) for _ in range(3))
            features = mtl.cut(wrap(encoder)(batches()[0, rank::2].float()), 3)
            losses = [head(features[t]).square().mean() for t, head in enumerate(heads)]
            mtl.backward(losses, features, AvgNorm(3), scope=scope, last_layer=encoder.weight)
            gradients.append(encoder.weight.grad)
        same.append(torch.allclose(*gradients, rtol=1e-5, atol=0))
    return same


def half(rank: int, methods: Mapping[str, tuple[Weighter, Mapping[str, str]]]) -> dict:
    """Results of one of two processes, by run."""
    found = {
        (name, scope, parts): train(methods[name], scope, parts, batches()[:, rank::2]) for name, scope, parts in RUNS
    }
    norm = nn.BatchNorm1d(2)
    norm.running_mean.fill_(rank)
    average_buffers(norm)
    return found | {"broken": left_out(rank), "wrapper": with_wrapper(rank), "buffers": norm.running_mean.tolist()}


@pytest.fixture(scope="module")
def found(two_processes):
    return two_processes(half, {name: method(name) for name in [*catalogue.NAMES, "steep"]})


@pytest.mark.parametrize("run", RUNS, ids=str)
def test_two_processes_equal_one(found, run):
    name, scope, parts = run
    expected = train(method(name), scope, parts, batches())
    for rank in (0, 1):
        for ours, theirs in zip(found[rank][run], expected, strict=True):
            assert ours.numpy() == pytest.approx(theirs.numpy(), rel=1e-9, abs=1e-13)


def test_gradient_that_breaks_in_one_process_is_left_out_in_all(found):
    assert found[0]["broken"] == found[1]["broken"] == [False, True, False]


def test_wrapper_of_torch_changes_nothing(found):
    assert found[0]["wrapper"] == found[1]["wrapper"] == [True, True, True]


def test_running_statistics_are_averaged(found):
    assert found[0]["buffers"] == found[1]["buffers"] == [0.5, 0.5]
