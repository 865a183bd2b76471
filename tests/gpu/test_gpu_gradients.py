"""Gradients and weights of one step equal those of the CPU, as far as float32 allows.

The reference is the step on the CPU in float64. The error of the device may be some times that of the CPU in float32.
"""

import runpy
from pathlib import Path

import pytest
import torch
from dropout import without_dropout

from mtl import build
from mtl.bench.steps import one_pass
from mtl.weighters import GradDrop

BENCH = runpy.run_path(str(Path(__file__).parents[2] / "scripts/bench.py"))
CPU = torch.device("cpu")
SIZE = (2, 32, 64)  # batch, height, width
FLOOR, FACTOR = 1e-3, 20  # of the relative error
SCOPES = ("avgnorm features", "avgnorm shared", "graddrop features")  # in addition to the config's
WEIGHTERS = sorted({path.stem for path in (build.CONFIGS / "weighter").glob("*.yaml")} - {"url", "torchjd"})
CASES = [(f"weighter={name}",) for name in WEIGHTERS]
CASES += [(f"weighter={name}", f"weighter.scope={scope}") for name, scope in map(str.split, SCOPES)]
Words = tuple[str, ...]  # of train.py

pytestmark = [pytest.mark.gpu, pytest.mark.usefixtures("full_float32")]


@pytest.fixture(autouse=True)
def _same_mask(monkeypatch):
    """The same random mask on every device."""

    def draw(self: GradDrop, size: int) -> torch.Tensor:
        return torch.rand(size, generator=self.generator).to(self.leak.device)

    monkeypatch.setattr(GradDrop, "draw_mask", draw)


def step(network: Words, weighter: Words, device: torch.device, dtype: torch.dtype) -> dict[str, torch.Tensor]:
    """Losses, weights and gradient of one step of the same network on the same batch."""
    torch.manual_seed(0)
    work = BENCH["workload"]("DeepLab", SIZE, device, network)
    work.model.to(dtype)
    work.batch = {key: value.to(dtype) if value.is_floating_point() else value for key, value in work.batch.items()}
    without_dropout(work.model)
    taken = BENCH["engine"](weighter, device).keywords
    seen = []
    taken["weighter"].register_forward_hook(lambda _, given, update: seen.append((given[0], update.weights)))
    one_pass(work, **taken)
    parameters = list(work.model.parameters())
    assert all(parameter.grad is not None for parameter in parameters)
    gradient = torch.cat([parameter.grad.flatten() for parameter in parameters])
    found = {"losses": seen[0][0], "weights": seen[0][1], "gradient": gradient}
    return {key: value.cpu().double() for key, value in found.items()}


def check(network: Words, weighter: Words, device: torch.device) -> None:
    """Compares the device with the CPU."""
    places = ((CPU, torch.float64), (device, torch.float32), (CPU, torch.float32))
    exact, ours, theirs = (step(network, weighter, *place) for place in places)
    for key, value in exact.items():
        error, usual = ((found[key] - value).norm() / value.norm() for found in (ours, theirs))
        assert error <= max(FLOOR, FACTOR * usual), f"{key}: relative error {error:.2g}, on the CPU {usual:.2g}"


@pytest.mark.parametrize("weighter", CASES, ids=" ".join)
def test_step_of_a_weighter_equals_that_of_the_cpu(weighter, device):
    check(("backbone=resnet_tiny",), weighter, device)


def test_gradient_of_a_network_equals_that_of_the_cpu(network, small, device):
    check((*network, *small), ("weighter=uniform",), device)
