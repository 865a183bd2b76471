"""Two processes with half the batch each train like one with the whole batch, for every weighter and scope."""

import socket

import catalogue
import pytest
import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from torch import Tensor, nn

import mtl
from mtl.engine.distributed import average_buffers, mean_over_ranks
from mtl.weighters import Needs, Uniform, Update, Weighter

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


def train(name: str, scope: str, parts: int, images: Tensor) -> list[Tensor]:
    """Weights of three steps and the resulting parameters, without BatchNorm, which would see half the batch."""
    torch.manual_seed(0)
    encoder = nn.Sequential(nn.Conv2d(3, 5, 3), nn.Tanh(), nn.Conv2d(5, 4, 3)).double()
    heads = nn.ModuleList(nn.Conv2d(4, 2, 1) for _ in range(3)).double()
    weighter = Steep(3) if name == "steep" else catalogue.weighter(name, TASKS)
    applied = {} if name == "steep" else catalogue.applied(name)
    if (name, scope) == ("graddrop", "features"):  # the coordinates of a process are its own: take one coin for all
        weighter.draw_mask = lambda size: torch.full((size,), 0.5)
    parameters = [*encoder.parameters(), *heads.parameters(), *weighter.parameters()]
    optimizer = torch.optim.SGD(parameters, lr=1e-3)

    def losses_of(features) -> list[Tensor]:
        return [3.0**t * (head(features[t]) - t).square().mean() for t, head in enumerate(heads)]

    weights = []
    for batch in images:
        optimizer.zero_grad()
        accumulation = mtl.Accumulation(weighter, parts, **applied | {"scope": scope})
        for image in batch.chunk(parts):
            features = mtl.cut(encoder(image), 3)
            accumulation.add(losses_of(features), features, last_layer=encoder[2].weight)
        weights.append(accumulation.finish().weights)
        optimizer.step()
        again = torch.stack(losses_of([encoder(batch)] * 3)).detach()
        weighter.after_step(mean_over_ranks(again) if weighter.recompute else None)
        weighter.after_epoch()
    return [torch.stack(weights), *(parameter.detach() for parameter in parameters)]


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


def half(rank: int, port: int, queue: mp.SimpleQueue) -> None:
    torch.set_num_threads(1)
    dist.init_process_group("gloo", init_method=f"tcp://127.0.0.1:{port}", rank=rank, world_size=2)
    for run in RUNS:
        queue.put((rank, run, [tensor.numpy() for tensor in train(*run, batches()[:, rank::2])]))
    queue.put((rank, "broken", left_out(rank)))
    norm = nn.BatchNorm1d(2)
    norm.running_mean.fill_(rank)
    average_buffers(norm)
    queue.put((rank, "buffers", norm.running_mean.tolist()))
    dist.destroy_process_group()


@pytest.fixture(scope="module")
def found():
    """Results of both processes, by run."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    queue = mp.get_context("spawn").SimpleQueue()
    processes = mp.spawn(half, (port, queue), nprocs=2, join=False)
    results = [queue.get() for _ in range(2 * (len(RUNS) + 2))]
    processes.join()
    return {(rank, run): result for rank, run, result in results}


@pytest.mark.parametrize("run", RUNS, ids=str)
def test_two_processes_equal_one(found, run):
    expected = train(*run, batches())
    for rank in (0, 1):
        for ours, theirs in zip(found[rank, run], expected, strict=True):
            assert ours == pytest.approx(theirs.numpy(), rel=1e-9, abs=1e-13)


def test_gradient_that_breaks_in_one_process_is_left_out_in_all(found):
    assert found[0, "broken"] == found[1, "broken"] == [False, True, False]


def test_running_statistics_are_averaged(found):
    assert found[0, "buffers"] == found[1, "buffers"] == [0.5, 0.5]
