"""Runs that learn from single-task networks, tiny, from the command line to the checkpoint."""

import json
import os
import runpy
import shutil
import signal
import sys
from pathlib import Path

import pandas as pd
import pytest
import torch
from tiny import SIZE

from mtl import build
from mtl.engine.trainer import Trainer
from mtl.report.read.committed import write_records
from mtl.report.read.runs import finished_runs
from mtl.run.checkpoint import load_checkpoint

TRAIN = Path(__file__).parents[2] / "train.py"
WORDS = [word for word in SIZE if word != "experiment=demo"]  # its launcher trains in other processes
WORDS += ["backbone=resnet_tiny", "recipe.evaluate=1", "recipe.optimizer.lr=2e-3", "logger=csv"]
URL = ["weighter=url", "subset=[depth,edge]"]


def call(home: Path, *words: str) -> int:
    """Runs `python train.py` in this process; gives the exit code."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["train.py", *WORDS, f"data={home}/data", f"results={home}/results", *words])
        try:
            runpy.run_path(str(TRAIN), run_name="__main__")
        except SystemExit as end:
            return end.code
    return 0


@pytest.fixture(scope="module")
def home(tmp_path_factory) -> Path:
    """A folder with rendered rooms and the single-task networks of depth and edge."""
    folder = tmp_path_factory.mktemp("url")
    assert call(folder, "-m", "subset=depth,edge") == 0
    return folder


def checkpoints(home: Path) -> dict[str, Path]:
    (depth,), (edge,) = (home.glob(f"results/runs/*uniform_{task}-*/seed0/best.pt") for task in ("depth", "edge"))
    return {"depth": depth, "edge": edge}


def trainer(home: Path, folder: Path, *words: str) -> Trainer:
    folder.mkdir(exist_ok=True)
    cfg = build.compose([*WORDS, *URL, f"data={home}/data", f"results={home}/results", *words])
    return build.build_trainer(cfg, folder, checkpoints=checkpoints(home))


def test_single_task_networks_that_are_not_there_are_asked_for_with_the_command_that_trains_them(
    home, tmp_path, capsys
):
    (tmp_path / "data").symlink_to(home / "data")
    capsys.readouterr()
    assert call(tmp_path, *URL) == 1
    out, line = capsys.readouterr()
    assert out == ""
    assert line.startswith("error: weighter=url learns from single-task networks, and there is none of depth, edge")
    assert line.count("\n") == 1
    assert not list(tmp_path.glob("results/runs/*/seed*"))

    command = line.split("to train: python train.py ")[1].split()
    assert "subset=depth,edge" in command
    assert not any(word.startswith("weighter") for word in command)
    assert call(tmp_path, *[word for word in command if word not in WORDS]) == 0
    assert call(tmp_path, *URL) == 0


def test_run_learns_from_them_and_is_judged_against_them(home, capsys):
    before = {task: path.read_bytes() for task, path in checkpoints(home).items()}
    assert call(home, *URL) == 0
    assert "Delta_m stays empty" not in capsys.readouterr().out
    (folder,) = home.glob("results/runs/*vanilla_url_depth-edge-*/seed0")
    assert json.loads((folder / "record.json").read_text())["mean_weights"] == {"depth": 1, "edge": 1}
    assert pd.read_csv(folder / "metrics.csv")["val/delta_m"].notna().all()
    assert not any("adaptor" in key for key in load_checkpoint(folder / "best.pt")["model"])
    assert {task: path.read_bytes() for task, path in checkpoints(home).items()} == before


def test_finished_network_without_its_weights_is_trained_again(home, tmp_path, capsys):
    shutil.copytree(home / "results", tmp_path / "results")
    (tmp_path / "data").symlink_to(home / "data")
    checkpoints(tmp_path)["edge"].unlink()
    capsys.readouterr()
    assert call(tmp_path, *URL, "weighter.alignment.lr=1e-3") == 1
    line = capsys.readouterr().err
    assert "there is none of edge with this dataset" in line
    assert "(the network of edge was trained, but not kept: " in line
    assert "best.pt is missing)" in line
    command = line.split("to train: python train.py ")[1].split()
    assert command[-4:] == ["subset=edge", "seed=0", "force=true", "keep=best"]
    assert call(tmp_path, *[word for word in command if word not in WORDS]) == 0
    assert checkpoints(tmp_path)["edge"].exists()


def test_network_of_which_there_is_only_a_record_is_trained_here(home, tmp_path, capsys):
    shutil.copytree(home / "results", tmp_path / "results")
    (tmp_path / "data").symlink_to(home / "data")
    runs = [run for run in finished_runs(tmp_path / "results") if run.tasks == ["edge"]]
    write_records(tmp_path / "results", "any", runs)
    shutil.rmtree(runs[0].folder)
    capsys.readouterr()
    assert call(tmp_path, *URL, "weighter.alignment.lr=1e-3") == 1
    line = capsys.readouterr().err
    assert f"(the network of edge was trained, but not kept: {runs[0].folder}/best.pt is missing)" in line
    assert line.endswith("subset=edge seed=0 force=true keep=best\n")


def test_teachers_are_the_trained_networks_and_training_leaves_them_as_they_are(home, tmp_path):
    run = trainer(home, tmp_path)
    run.fit()
    for path, teacher in zip(checkpoints(home).values(), run.alignment.teachers.models, strict=True):
        assert not teacher.training
        saved = load_checkpoint(path)["model"]
        assert all(torch.equal(value, saved[key]) for key, value in teacher.state_dict().items())


def test_distance_is_part_of_the_loss_and_weight_zero_gives_the_plain_run_bit_for_bit(home, tmp_path):
    zero = [f"weighter.alignment.weights.{task}=0" for task in ("depth", "edge")]
    runs = {"plain": ["weighter=uniform"], "zero": zero, "url": ["weighter.alignment.weights.depth=10"]}
    for name, words in runs.items():
        trainer(home, tmp_path / name, *words).fit()
    models = {name: load_checkpoint(tmp_path / name / "last.pt")["model"] for name in runs}
    assert all(torch.equal(value, models["zero"][key]) for key, value in models["plain"].items())
    assert not all(torch.equal(value, models["url"][key]) for key, value in models["plain"].items())
    first = {name: pd.read_csv(tmp_path / name / "gradients.csv").iloc[0] for name in runs}
    added = {
        task: first["url"][f"train/loss/{task}"] - first["plain"][f"train/loss/{task}"] for task in ("depth", "edge")
    }
    assert 0 < added["edge"] < 4
    assert 4 < added["depth"] < 40


def test_distance_can_be_watched_in_any_run_without_a_bit_of_it_changing(home, tmp_path):
    words = "weighter=avgnorm", "backbone.head.dropout=0.5"
    trainer(home, tmp_path / "plain", *words).fit()
    trainer(home, tmp_path / "watched", *words, "logging.feature_distance=true").fit()
    plain, watched = (load_checkpoint(tmp_path / run / "last.pt")["model"] for run in ("plain", "watched"))
    assert all(torch.equal(value, watched[key]) for key, value in plain.items())
    logs = [pd.read_csv(tmp_path / run / "gradients.csv") for run in ("plain", "watched")]
    distances = logs[1].filter(like="feature/distance/")
    assert list(distances) == ["feature/distance/depth", "feature/distance/edge"]
    assert ((distances > 0) & (distances < 4)).all(axis=None)
    pd.testing.assert_frame_equal(logs[0], logs[1].drop(columns=distances.columns))


def test_watched_run_wants_the_single_task_networks_and_ends_the_same_when_stopped(home, tmp_path, capsys):
    (tmp_path / "data").symlink_to(home / "data")
    watched = "subset=[depth,edge]", "logging.feature_distance=true"
    assert call(tmp_path, *watched) == 1
    assert "feature_distance wants single-task networks, and there is none of depth, edge" in capsys.readouterr().err
    shutil.copytree(home / "results", tmp_path / "results", dirs_exist_ok=True)
    assert call(tmp_path, *watched) == 0
    (record,) = tmp_path.glob("results/runs/*vanilla_uniform_depth-edge-*/seed0/record.json")
    assert json.loads(record.read_text())["feature_distance"] is True

    words = "weighter=uniform", "logging.feature_distance=true", "recipe.steps=4"
    trainer(home, tmp_path / "whole", *words).fit()
    first = trainer(home, tmp_path / "parts", *words)
    original = first.objective.watch.after_step

    def interrupted(*arguments):
        original(*arguments)
        if first.objective.watch.step == 2:
            os.kill(os.getpid(), signal.SIGTERM)

    first.objective.watch.after_step = interrupted
    with pytest.raises(SystemExit):
        first.fit()
    trainer(home, tmp_path / "parts", *words).fit()
    assert (tmp_path / "parts/gradients.csv").read_text() == (tmp_path / "whole/gradients.csv").read_text()


def test_distance_falls(home, tmp_path):
    run = trainer(home, tmp_path, "recipe.steps=20", "recipe.evaluate=end")
    found = []
    original = run.alignment.forward

    def noted(*arguments):
        found.append(torch.stack(original(*arguments)).detach())
        return torch.stack(original(*arguments)).unbind()

    run.alignment.forward = noted
    run.fit()
    assert (found[-1] < 0.7 * found[0]).all()


def test_stopped_run_ends_as_an_undisturbed_one(home, tmp_path):
    words = "recipe.steps=4", "backbone.head.dropout=0.5"
    trainer(home, tmp_path / "whole", *words).fit()
    first = trainer(home, tmp_path / "parts", *words)
    original = first.alignment.after_step

    def interrupted(*arguments):
        original(*arguments)
        if first.alignment.step == 2:
            os.kill(os.getpid(), signal.SIGTERM)

    first.alignment.after_step = interrupted
    with pytest.raises(SystemExit):
        first.fit()
    torch.manual_seed(99)  # a new process starts elsewhere
    trainer(home, tmp_path / "parts", *words).fit()
    whole, parts = (load_checkpoint(tmp_path / run / "last.pt") for run in ("whole", "parts"))
    for part in ("model", "alignment"):
        for key, value in whole[part].items():
            if key != "_extra_state":
                assert torch.equal(parts[part][key], value), key
    for name in ("metrics.csv", "gradients.csv"):
        assert (tmp_path / "parts" / name).read_text() == (tmp_path / "whole" / name).read_text()


def test_skipped_step_leaves_the_adaptors_alone(home, tmp_path):
    run = trainer(home, tmp_path)
    original, states = run.objective.total_loss.forward, []

    def broken(outputs, batch):
        losses, counts = original(outputs, batch)
        states.append([p.detach().clone() for p in run.alignment.parameters()])
        return [loss * (torch.nan if run.progress.step == 1 else 1) for loss in losses], counts

    run.objective.total_loss.forward = broken
    run.fit()
    assert run.alignment.step == 2
    assert not any(torch.equal(a, b) for a, b in zip(states[0], states[1], strict=True))
    assert all(torch.equal(a, b) for a, b in zip(states[1], states[2], strict=True))
    assert all(torch.isfinite(parameter).all() for parameter in run.alignment.parameters())


@pytest.mark.parametrize("precision", ["float32", "bfloat16", "float16"])
def test_adaptors_learn_in_every_precision_and_from_parts_of_a_batch(home, tmp_path, precision):
    small = "dataset.height=16", "dataset.width=32"  # half precision is slow on CPUs
    run = trainer(home, tmp_path, *small, f"recipe.precision={precision}", "recipe.micro_batches=2")
    before = [parameter.detach().clone() for parameter in run.alignment.parameters()]
    assert run.fit()["skipped_steps"] == 0
    for parameter, old in zip(run.alignment.parameters(), before, strict=True):
        # the first steps of Adam are as long as its learning rate, here 1e-2 * (1 + 3/4 + 1/4), whatever the gradient
        assert 1e-3 < (parameter - old).abs().mean() < 2e-2


def test_weights_by_name_follow_the_tasks(home, tmp_path):
    assert trainer(home, tmp_path, "weighter.alignment.weights.edge=7").alignment.weights == [1, 7]
    with pytest.raises(ValueError, match=r"weighter\.alignment\.weights has no number for edge"):
        trainer(home, tmp_path, "~weighter.alignment.weights.edge")
