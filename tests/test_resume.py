"""A run goes on where it stopped, and what stops it is told."""

import os
import signal
from pathlib import Path

import pandas as pd
import pytest
import torch
from tiny import tiny

from mtl import build
from mtl.engine.trainer import Trainer
from mtl.run.checkpoint import load_checkpoint
from mtl.weighters import AvgNorm

FILES = ("metrics.csv", "gradients.csv")


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("shared")


def trainer(folder: Path, data: Path, *more: str) -> Trainer:
    words = tiny(folder, "weighter=avgnorm", "recipe.steps=6", "recipe.evaluate=2", f"data={data}/data", *more)
    folder.mkdir(exist_ok=True)
    return build.build_trainer(build.compose(words), folder)


def stop_at(step: int, run: Trainer, number: int = signal.SIGTERM) -> None:
    """Sends the signal while the step is taken."""
    original = run._train_step

    def interrupted(batch):
        if run.progress.step + 1 == step:
            os.kill(os.getpid(), number)
        original(batch)

    run._train_step = interrupted


def stop_in_evaluation(step: int, run: Trainer, number: int) -> None:
    """Sends the signal while the network of the step is evaluated."""
    original = run.evaluating

    def interrupted(done, batches):
        if run.progress.step == step:
            os.kill(os.getpid(), number)
        original(done, batches)

    run.evaluating = interrupted


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory, data) -> tuple[Path, dict]:
    """A run that nothing stops: its folder and its result."""
    folder = tmp_path_factory.mktemp("whole")
    return folder, trainer(folder, data, "backbone.head.dropout=0.5").fit()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize(
    ("stop", "step"), [(stop_at, 1), (stop_at, 3), (stop_at, 4), (stop_in_evaluation, 4), (stop_in_evaluation, 6)]
)
def test_stopped_run_ends_as_an_undisturbed_one(tmp_path, data, undisturbed, stop, step, number):
    folder, whole = undisturbed
    first = trainer(tmp_path / "parts", data, "backbone.head.dropout=0.5")
    stop(step, first, number)
    before = signal.getsignal(number)
    with pytest.raises(SystemExit) as ending:
        first.fit()
    assert ending.value.code == 128 + number
    assert signal.getsignal(number) == before
    assert load_checkpoint(tmp_path / "parts" / "last.pt")["progress"]["step"] == step

    torch.manual_seed(99)  # a new process starts elsewhere
    parts = trainer(tmp_path / "parts", data, "backbone.head.dropout=0.5").fit()
    for key in ("best", "last", "mean_weights", "steps"):
        assert parts[key] == whole[key]
    for name in FILES:
        assert (tmp_path / "parts" / name).read_text() == (folder / name).read_text()
    for name in ("last.pt", "best.pt"):
        a, b = (load_checkpoint(run / name)["model"] for run in (folder, tmp_path / "parts"))
        assert all(torch.equal(a[key], b[key]) for key in a)


def test_rows_behind_the_checkpoint_come_once(tmp_path, data):
    trainer(tmp_path, data, "recipe.steps=4").fit()
    state = load_checkpoint(tmp_path / "previous.pt")
    assert state["progress"]["step"] == 2
    (tmp_path / "previous.pt").replace(tmp_path / "last.pt")
    with (tmp_path / "gradients.csv").open("a") as file:
        file.write("5,0.1,0.")  # torn by the kill
    trainer(tmp_path, data, "recipe.steps=4").fit()
    assert pd.read_csv(tmp_path / "metrics.csv").step.tolist() == [2, 4]
    assert pd.read_csv(tmp_path / "gradients.csv").step.tolist() == [1, 2, 3, 4]


def test_checkpoint_of_another_model_is_refused(tmp_path, data):
    trainer(tmp_path, data).fit()
    with pytest.raises(ValueError, match="checkpoint does not fit this model"):
        trainer(tmp_path, data, "backbone.head.channels=16").fit()


def poison(run: Trainer, step: int, gradient: bool = False) -> None:
    """Breaks one loss at one step, or only its gradient."""
    original = run.objective.total_loss.forward

    def broken(outputs, batch):
        losses, counts = original(outputs, batch)
        if run.progress.step + 1 == step:
            losses[1] = losses[1] * (1 if gradient else torch.nan)
            losses[1].register_hook(lambda g: g * torch.nan if gradient else g)
        return losses, counts

    run.objective.total_loss.forward = broken


@pytest.mark.parametrize("step", [1, 3])
def test_broken_step_is_skipped_counted_and_named(tmp_path, data, capsys, step):
    run = trainer(tmp_path, data)
    poison(run, step)
    taken = []
    run.optimizer.register_step_post_hook(lambda *_: taken.append(run.progress.step + 1))
    result = run.fit()
    assert taken == [k for k in range(1, 7) if k != step]
    assert (result["steps"], result["skipped_steps"]) == (6, 1)
    line = next(line for line in capsys.readouterr().err.splitlines() if "not finite" in line)
    assert f"step {step}:" in line
    assert "depth nan" in line
    assert line.count("train_") == 4


@pytest.mark.parametrize("words", ["weighter=uniform", "weighter=avgnorm", "weighter=uw recipe.micro_batches=2"])
def test_step_with_a_broken_gradient_is_skipped_whatever_the_weighter(tmp_path, data, capsys, words):
    run = trainer(tmp_path, data, *words.split())
    poison(run, 3, gradient=True)
    assert run.fit()["skipped_steps"] == 1
    line = next(line for line in capsys.readouterr().err.splitlines() if "not finite" in line)
    assert "step 3: loss or gradient not finite in depth (losses" in line
    assert "nan" not in line


def test_broken_step_ends_the_run_where_that_is_asked_for(tmp_path, data):
    run = trainer(tmp_path, data, "recipe.on_nonfinite=raise")
    poison(run, 3)
    with pytest.raises(ValueError, match=r"step 3: loss or gradient not finite .*on_nonfinite=skip"):
        run.fit()


def test_state_of_the_weighter_survives_a_skipped_step(tmp_path, data):
    class Counter(AvgNorm):
        def __init__(self):
            super().__init__(4)
            self.register_buffer("calls", torch.zeros(()))

        def forward(self, *arguments):
            self.calls += 1
            return super().forward(*arguments)

    run = trainer(tmp_path, data)
    run.weighter = run.backward.weighter = Counter()
    poison(run, 3)
    run.fit()
    assert run.weighter.calls == 5
