"""Two processes with half the batch each get the gradients of one with all of it, in every architecture."""

from functools import cache

import pytest
import torch
from narrow import SIZE, WORDS, composed, narrow
from torch import Tensor
from torch.nn.functional import normalize

from mtl import build
from mtl.engine.batch_gradients import BatchGradients
from mtl.engine.objective import Objective
from mtl.losses.total import TotalLoss
from mtl.models import MultiTaskModel
from mtl.weighters import AvgNorm, Uniform

TASKS = ("semseg", "normals", "edge")
ALIKE = {"atrc_labels", "atrc_pascal", "taskprompter_nyud"}  # narrow networks of the same parts as others
RUNS = {"avgnorm": AvgNorm, "uniform": Uniform}  # weights from gradients; and one pass for all tasks


@cache
def network(word: str) -> tuple[MultiTaskModel, TotalLoss]:
    """The network in evaluation mode, as its norms would see half the batch, and the losses of its config.

    A bias keeps normals away from 0, where their loss has no derivative.
    """
    tasks = [task for task in build.build_tasks(composed(word)) if task.name in TASKS]
    channels = {task.name: task.channels for task in tasks}
    return narrow(word, channels, bias=0.5).double().eval(), TotalLoss(tasks)


def images() -> dict[str, Tensor]:
    """An image for each process, one with fewer valid pixels."""
    draw = torch.Generator().manual_seed(1)
    labels = {
        "image": torch.randn(2, 3, *SIZE, generator=draw, dtype=torch.float64),
        "semseg": torch.randint(5, (2, 1, *SIZE), generator=draw),
        "normals": normalize(torch.randn(2, 3, *SIZE, generator=draw, dtype=torch.float64)),
        "edge": torch.randint(2, (2, 1, *SIZE), generator=draw).double(),
    }
    for name, invalid in (("semseg", 255), ("normals", 0), ("edge", 255)):
        labels[name][1, :, : len(name) * 3] = invalid
    return labels


def gradients(model: MultiTaskModel, losses: TotalLoss, batch: dict[str, Tensor]) -> dict[str, Tensor]:
    """Weights and the gradient of every parameter, one after another, by weighter."""
    found, scope = {}, "shared" if model.last_layer is None else "last_layer"
    for name, weighter in RUNS.items():
        model.zero_grad()
        take = BatchGradients(Objective(model, losses, "float32"), weighter(len(TASKS)), "exact", {"scope": scope})
        result = take([batch])
        found[name] = torch.cat([result.weights, *(parameter.grad.flatten() for parameter in model.parameters())])
    return found


def half(rank: int, networks: dict[str, tuple[MultiTaskModel, TotalLoss]]) -> dict[str, dict[str, Tensor]]:
    batch = {name: values[rank::2] for name, values in images().items()}
    return {word: gradients(*network, batch) for word, network in networks.items()}


@pytest.fixture(scope="module")
def found(two_processes):
    return two_processes(half, {word: network(word) for word in WORDS if word not in ALIKE})


@pytest.mark.parametrize("word", [word for word in WORDS if word not in ALIKE])
def test_two_processes_equal_one(found, word):
    model, losses = network(word)
    names, sizes = zip(*((name, parameter.numel()) for name, parameter in model.named_parameters()), strict=True)
    for run, expected in gradients(model, losses, images()).items():
        for rank in (0, 1):
            parts = zip(found[rank][word][run].split([3, *sizes]), expected.split([3, *sizes]), strict=True)
            for name, (ours, theirs) in zip(["weights", *names], parts, strict=True):
                message = f"{run}, {name}"
                torch.testing.assert_close(ours, theirs, rtol=1e-9, atol=1e-12, msg=lambda m, at=message: f"{at}: {m}")
