"""Two processes with half the batch each equal one with all of it."""

import socket

import pytest
import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from torch import Tensor, nn

import mtl
from mtl.weighters import AvgNorm, Needs, Update, Weighter


class Steep(Weighter):
    """Depends on the scale of the gradients, so that a wrong factor between processes shows."""

    needs = Needs.GRAMIAN
    native = "own"

    def forward(self, losses, gradients=None, active=None):
        return Update(weights=gradients.diagonal() * losses)


def step(weighter: Weighter, scope: str, image: Tensor) -> tuple[Tensor, list[Tensor]]:
    """Weights and gradients of one step, without BatchNorm: it would see half the batch."""
    torch.manual_seed(0)
    encoder = nn.Sequential(nn.Conv2d(3, 5, 3), nn.Tanh(), nn.Conv2d(5, 4, 3)).double()
    heads = nn.ModuleList(nn.Conv2d(4, 2, 1) for _ in range(3)).double()
    features = mtl.cut(encoder(image), 3)
    losses = [3.0**t * (head(features[t]) - t).square().mean() for t, head in enumerate(heads)]
    result = mtl.backward(losses, features, weighter, scope=scope, last_layer=encoder[2].weight)
    return result.weights, [p.grad for p in [*encoder.parameters(), *heads.parameters()]]


def batch() -> Tensor:
    return torch.randn(4, 3, 8, 8, dtype=torch.float64, generator=torch.Generator().manual_seed(1))


def half(rank: int, port: int, queue: mp.SimpleQueue) -> None:
    torch.set_num_threads(1)
    dist.init_process_group("gloo", init_method=f"tcp://127.0.0.1:{port}", rank=rank, world_size=2)
    for scope in ("features", "last_layer", "shared"):
        for weighter in (Steep(3), AvgNorm(3)):
            weights, gradients = step(weighter, scope, batch()[rank::2])
            queue.put((rank, scope, type(weighter).__name__, weights.numpy(), [g.numpy() for g in gradients]))
    dist.destroy_process_group()


def test_two_processes_equal_one():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    queue = mp.get_context("spawn").SimpleQueue()
    processes = mp.spawn(half, (port, queue), nprocs=2, join=False)
    found = [queue.get() for _ in range(12)]
    processes.join()
    expected = {
        (scope, type(weighter).__name__): step(weighter, scope, batch())
        for scope in ("features", "last_layer", "shared")
        for weighter in (Steep(3), AvgNorm(3))
    }
    for _, scope, name, weights, gradients in found:
        one_weights, one_gradients = expected[scope, name]
        assert weights == pytest.approx(one_weights.numpy(), rel=1e-10)
        for ours, theirs in zip(gradients, one_gradients, strict=True):
            assert ours == pytest.approx(theirs.numpy(), rel=1e-9, abs=1e-14)
