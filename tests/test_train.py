"""Whole runs, tiny, through the same code as real ones."""

import json
import runpy
import shutil
import sys
from pathlib import Path

import pandas as pd
import pytest
import torch
from tiny import tiny

from mtl import build
from mtl.report.read.committed import write_records
from mtl.report.read.runs import Run, finished_runs
from mtl.run import code
from mtl.run.checkpoint import load_checkpoint
from mtl.run.folder import lock

ROOT = Path(__file__).parent.parent
TASKS = ["semseg", "depth", "normals", "edge"]


@pytest.fixture(scope="module")
def shared(tmp_path_factory) -> Path:
    """A folder whose rendered rooms the tests share."""
    return tmp_path_factory.mktemp("runs")


def fit(folder: Path, *more: str, baseline=None, data: Path) -> dict:
    cfg = build.compose([*tiny(folder, *more), f"data={data}/data"])
    folder.mkdir(exist_ok=True)
    return build.build_trainer(cfg, folder, baseline).fit()


@pytest.mark.parametrize("weighter", ["uniform", "grid_search", "avgnorm"])
def test_run_leaves_complete_files(shared, tmp_path, weighter):
    result = fit(tmp_path, f"weighter={weighter}", data=shared)
    assert result["steps"] == 3
    assert list(result["mean_weights"]) == TASKS
    metrics = pd.read_csv(tmp_path / "metrics.csv")
    gradients = pd.read_csv(tmp_path / "gradients.csv")
    assert metrics.step.tolist() == [3]
    assert gradients.step.tolist() == [1, 2, 3]
    assert metrics["val/delta_m"].isna().all()
    assert metrics["presets"].tolist() == ["semseg=absent_zero normals=marked edge=rooms"]
    assert gradients.notna().all(axis=None)
    for task in TASKS:
        assert gradients[f"weight/{task}"].mean() == pytest.approx(result["mean_weights"][task], rel=1e-5)
    if weighter == "avgnorm":
        lengths = gradients[[f"gradient/weighted_norm/{t}" for t in TASKS]].to_numpy()
        assert lengths == pytest.approx(lengths[:, :1].repeat(4, 1), rel=1e-4)


def test_checkpoints_hold_what_was_scored(shared, tmp_path):
    result = fit(tmp_path, "recipe.evaluate=1", data=shared)
    last, best = load_checkpoint(tmp_path / "last.pt"), load_checkpoint(tmp_path / "best.pt")
    assert last["progress"]["step"] == 3
    assert last["progress"]["last"] == result["last"]
    assert best["scores"] == result["best"]["scores"]
    assert pd.read_csv(tmp_path / "metrics.csv").step.tolist() == [1, 2, 3]

    cfg = build.compose([*tiny(tmp_path), f"data={shared}/data"])
    trainer = build.build_trainer(cfg, tmp_path / "again")
    trainer.model.load_state_dict(last["model"])
    assert trainer.evaluator.run(trainer.model) == result["last"]["scores"]


def test_same_seed_gives_the_same_bits_and_another_seed_does_not(shared, tmp_path):
    first = fit(tmp_path / "a", "weighter=avgnorm", data=shared)
    second = fit(tmp_path / "b", "weighter=avgnorm", data=shared)
    other = fit(tmp_path / "c", "weighter=avgnorm", "seed=1", data=shared)
    assert first["last"] == second["last"]
    assert first["last"] != other["last"]
    a, b = (load_checkpoint(tmp_path / run / "last.pt")["model"] for run in "ab")
    assert all(torch.equal(a[key], b[key]) for key in a)


def test_loading_processes_change_nothing(shared, tmp_path):
    alone = fit(tmp_path / "a", data=shared)
    helped = fit(tmp_path / "b", "workers=2", data=shared)
    assert alone["last"] == helped["last"]


def test_baseline_gives_delta_m(shared, tmp_path):
    baseline = {"semseg": 10.0, "depth": 1.0, "normals": 50.0, "edge": 20.0}
    result = fit(tmp_path, baseline=baseline, data=shared)
    scores = result["last"]["scores"]
    expected = (
        10 * (scores["semseg"]["miou"] - 10)
        - 100 * (scores["depth"]["rmse"] - 1)
        - 2 * (scores["normals"]["mean_angular_error"] - 50)
        + 5 * (scores["edge"]["ods_f"] - 20)
    ) / 4
    assert pd.read_csv(tmp_path / "metrics.csv")["val/delta_m"][0] == pytest.approx(expected, rel=1e-5)


def test_all_six_tasks_train_together(shared, tmp_path):
    result = fit(tmp_path, f"subset=[{','.join([*TASKS, 'human_parts', 'saliency'])}]", data=shared)
    assert list(result["mean_weights"]) == ["semseg", "human_parts", "depth", "normals", "saliency", "edge"]


@pytest.fixture
def command(tmp_path, monkeypatch, capsys):
    """Runs `python train.py` in this process; gives what it prints."""

    def call(*words: str) -> str:
        argv = ["train.py", *tiny(tmp_path, "logger=csv"), "hydra/launcher=basic", *words]
        monkeypatch.setattr(sys, "argv", argv)
        runpy.run_path(str(ROOT / "train.py"), run_name="__main__")
        return capsys.readouterr().out

    return call


def test_command_line_from_baseline_to_delta_m_without_training_twice(command, tmp_path):
    first = command("weighter=avgnorm", "subset=[depth,edge]")
    assert "no single-task run of depth, edge" in first
    assert "subset=depth,edge" in first
    assert "weighter" not in first.split("to train:")[1].split("\n")[0]
    (record,) = tmp_path.glob("results/runs/*/seed0/record.json")
    facts = json.loads(record.read_text())
    assert facts["metrics"]["edge"] == {"primary": "ods_f", "higher_is_better": True, "preset": "rooms"}
    assert facts["environment"]["packages"]["torch"] == torch.__version__.split("+")[0]
    assert facts["wall_seconds"] == pytest.approx(sum(facts["seconds"].values()))
    assert all(seconds > 0 for seconds in facts["seconds"].values())
    before = record.stat().st_mtime_ns
    assert "already finished" in command("weighter=avgnorm", "subset=[depth,edge]")
    assert record.stat().st_mtime_ns == before

    command("-m", "subset=depth,edge")
    second = command("weighter=grid_search", "subset=[depth,edge]")
    assert "Delta_m stays empty" not in second
    (row,) = tmp_path.glob("results/runs/*grid_search*/seed0/metrics.csv")
    assert pd.read_csv(row)["val/delta_m"].notna().all()


def test_sweep_passes_over_a_run_that_is_trained_elsewhere(command, tmp_path, capsys):
    folder = build.run_folder(build.compose([*tiny(tmp_path), "subset=depth"]))
    with lock(folder):
        command("-m", "subset=depth", "seed=0,1")
        with pytest.raises(SystemExit, match="1"):
            command("subset=depth")
    assert f"error: {folder} is being trained elsewhere: wait" in capsys.readouterr().err
    assert [path.parent.name for path in folder.parent.glob("*/record.json")] == ["seed1"]


def test_run_with_a_committed_record_is_trained_only_when_forced(command, tmp_path):
    words = ["subset=depth", "logging.gradient_statistics.every=0"]
    command(*words)
    (run,) = finished_runs(tmp_path / "results")
    write_records(tmp_path / "results", "demo_rooms", [run])
    shutil.rmtree(tmp_path / "results" / "runs")
    record = tmp_path / "results" / "records" / "demo_rooms" / run.folder.parent.name / "seed0.json"
    line = f"{record}: already finished, not trained again; force=true trains it all the same"
    assert command(*words).splitlines() == [line]
    assert line in command("-m", *words, "seed=0").splitlines()
    assert not list(tmp_path.glob("results/runs/*"))
    command(*words, "force=true")
    assert json.loads((run.folder / "record.json").read_text())["best"] == run.record["best"]


def test_multi_task_run_waits_for_the_baseline_that_is_trained_elsewhere(command, tmp_path, monkeypatch):
    command("-m", "subset=depth,edge")
    edge = next(tmp_path.glob("results/runs/*_edge-*/seed0"))
    edge.rename(edge.with_name("kept"))
    held = lock(edge)

    def end(_: float) -> None:
        edge.with_name("kept").rename(edge)
        held.release()

    monkeypatch.setattr("mtl.run.folder.time.sleep", end)
    out = command("subset=[depth,edge]")
    assert f"waits for {edge}: being trained elsewhere" in out
    assert "Delta_m stays empty" not in out


def test_list_of_loggers_is_no_sweep(command, tmp_path):
    out = command("-m", "logger=csv,tensorboard", "subset=depth")
    assert "already finished" not in out
    (record,) = tmp_path.glob("results/runs/*/seed0/record.json")
    assert "logger=[csv,tensorboard]" in json.loads(record.read_text())["command"]
    assert list(record.parent.glob("events.*"))
    assert (record.parent / "metrics.csv").exists()


def test_test_split_is_scored_by_the_best_network_in_validation_and_by_the_last(command, tmp_path):
    command("recipe.evaluate=1", "subset=depth", "+dataset.test=${dataset.val}", "force=True")
    (path,) = tmp_path.glob("results/runs/*/seed0/record.json")
    record = json.loads(path.read_text())
    assert record["best"]["test"] == record["best"]["scores"]  # here the two splits are one
    assert record["last"]["test"] == record["last"]["scores"]
    assert record["data"]["test"] == record["data"]["val"]
    assert set(record["data"]["train"]["fingerprint"]) == {"image", "depth"}
    assert record["environment"]["code"] == code.fingerprint()
    assert record["command"].startswith("python train.py experiment=demo ")
    assert "force" not in record["command"]
    assert Run(path.parent, record).primary("depth") == record["best"]["test"]["depth"]["rmse"]
