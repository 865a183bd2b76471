"""Shared by the tests of weighters with state: recorded sequences, and what the state must survive."""

import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor

from mtl.weighters import Weighter

Step = Callable[[Weighter, int, Tensor, Tensor | None], Tensor]  # weighter, index, losses, active -> weights
FOLDER = Path(__file__).parent.parent / "golden/weighters"
OPTIMIZERS = {"sgd": lambda p: torch.optim.SGD(p, lr=0.1), "adam": lambda p: torch.optim.Adam(p, lr=0.01)}  # recorded


def golden_sequences(method: str) -> list:
    """Every recorded sequence of a method from every source, as test parameters (content of the file, case)."""
    paths = sorted(FOLDER.glob(f"{method}__*.json"))
    assert paths, method
    files = {path: json.loads(path.read_text()) for path in paths}
    return [pytest.param(f, c, id=f"{p.stem}-{c['id']}") for p, f in files.items() for c in f["cases"]]


def double(values: list) -> Tensor:
    return torch.tensor(values, dtype=torch.float64)


def stream(steps: int, tasks: int) -> Tensor:
    """Losses between 0.1 and 3. Shape [steps, T], float64."""
    return 0.1 + 2.9 * torch.rand(steps, tasks, generator=torch.Generator().manual_seed(7), dtype=torch.float64)


def plain_step(weighter: Weighter, index: int, losses: Tensor, active: Tensor | None = None) -> Tensor:
    return weighter(losses, active=active).weights


def learned_step(weighter: Weighter, index: int, losses: Tensor, active: Tensor | None = None) -> Tensor:
    """A step in which plain SGD trains the weighter's own parameter s."""
    update = weighter(losses, active=active)
    (slope,) = torch.autograd.grad(update.penalty, weighter.s)
    with torch.no_grad():
        weighter.s -= 0.1 * slope
    return update.weights


def assert_same_state(left: Weighter, right: Weighter) -> None:
    torch.testing.assert_close(left.state_dict(), right.state_dict(), rtol=0, atol=0)


def assert_resumes(make: Callable[[], Weighter], step: Step, tasks: int = 3) -> None:
    """A weighter restored from a saved state continues bit for bit like one that was not interrupted."""
    losses = stream(16, tasks)
    undisturbed = make()
    for index in range(7):
        step(undisturbed, index, losses[index], None)
    file = io.BytesIO()
    torch.save(undisturbed.state_dict(), file)
    file.seek(0)
    resumed = make()
    resumed.load_state_dict(torch.load(file, weights_only=True))
    for index in range(7, 16):
        expected = step(undisturbed, index, losses[index], None)
        assert torch.equal(step(resumed, index, losses[index], None), expected)
    assert_same_state(resumed, undisturbed)


def assert_skipped_step_leaves_no_trace(make: Callable[[], Weighter], step: Step, tasks: int = 3) -> None:
    """Restoring a state copied before a forward undoes that forward."""
    losses = stream(12, tasks)
    disturbed, undisturbed = make(), make()
    for index in range(12):
        remembered = {key: value.clone() for key, value in disturbed.state_dict().items()}
        disturbed(100 * losses[index] + 1)
        disturbed.load_state_dict(remembered)
        assert torch.equal(step(disturbed, index, losses[index], None), step(undisturbed, index, losses[index], None))
    assert_same_state(disturbed, undisturbed)


def assert_inactive_task_is_as_if_it_did_not_exist(make: Callable[[int], Weighter], step: Step) -> None:
    """Task 1 of three has no labels: weight 0, initial state, and the others are weighted like two tasks alone."""
    losses, others, active = stream(12, 3), [0, 2], torch.tensor([True, False, True])
    three, two, untouched = make(3), make(2), make(3)
    for index in range(12):
        seen = torch.where(active, losses[index], 0.0)  # as the engine hands them over
        weights = step(three, index, seen, active)
        assert weights[1] == 0
        torch.testing.assert_close(weights[others], step(two, index, losses[index, others], None), rtol=1e-12, atol=0)
    for name, value in three.state_dict().items():
        torch.testing.assert_close(value[others], two.state_dict()[name], rtol=1e-12, atol=1e-15)
        assert value[1] == untouched.state_dict()[name][1], name


def assert_no_active_task_changes_nothing(make: Callable[[], Weighter], step: Step, tasks: int = 3) -> None:
    """Weights are 0, not NaN; the next step is as if there had been no such batch."""
    losses = stream(8, tasks)
    disturbed, undisturbed = make(), make()
    for index in range(8):
        nothing = step(disturbed, -1, torch.zeros(tasks).double(), torch.zeros(tasks, dtype=torch.bool))
        assert nothing.tolist() == [0] * tasks
        assert torch.equal(step(disturbed, index, losses[index], None), step(undisturbed, index, losses[index], None))


def assert_finite_on_every_scale(make: Callable[[int], Weighter], step: Step) -> None:
    """Losses from 1e-12 to 1e12 in one step, jumping from step to step; also 0."""
    scales = double([1e-12, 1e-6, 1.0, 1e6, 1e12, 0.0])
    weighter = make(6)
    for index in range(18):
        weights = step(weighter, index, scales.roll(index // 3), None)
        assert torch.isfinite(weights).all()
        assert (weights >= 0).all()
        assert all(torch.isfinite(value).all() for value in weighter.state_dict().values())
