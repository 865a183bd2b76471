"""wandb and MLflow, with fakes. To test the real packages, which are extras: `pytest -m slow tests/loggers`."""

import json
import math
import os
import signal
import sys
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import pytest
from fake_services import FakeMLflow, FakeWandb, Service
from hydra.utils import instantiate
from tiny import tiny

from mtl import build

FAKES = {"wandb": FakeWandb, "mlflow": FakeMLflow}
NAME = "rooms_resnet_tiny_vanilla_uniform_depth-0a1b2c3d/seed0"
CONFIG = {"seed": 0, "weighter": {"name": "uniform"}}


@pytest.fixture(params=FAKES)
def word(request) -> str:
    return request.param


@pytest.fixture
def service(word, monkeypatch) -> Service:
    kept = Service()
    monkeypatch.setitem(sys.modules, word, FAKES[word](kept))
    return kept


def logger(word: str, folder, config=CONFIG, results=None):
    results = results or folder
    (results / "runs").mkdir(parents=True, exist_ok=True)
    node = build.compose([f"logger={word}", f"results={results}"]).logger[word]
    return instantiate(node, _partial_=True)(folder=folder, name=NAME, steps=4, config=config)


def test_numbers_arrive_with_their_step_and_the_config(word, service, tmp_path):
    tracker = logger(word, tmp_path)
    tracker.log("gradients", 2, {"train/loss/depth": 0.5, "weight/depth": math.nan})
    tracker.log("metrics", 2, {"val/depth/rmse": 0.25, "val/delta_m": math.nan, "presets": "edge: rooms"})
    (run,) = service.runs.values()
    assert (run.name, run.status) == (NAME, "running")
    assert [step for step, _ in run.rows] == [2, 2]
    assert {key for _, row in run.rows for key in row} == {"train/loss/depth", "val/depth/rmse"}
    assert service.rows("val/depth/rmse") == [(2, 0.25)]
    assert run.params == (CONFIG if word == "wandb" else {"seed": "0", "weighter.name": "uniform"})
    for step in (3, 4):
        tracker.progress(step)
    tracker.close()
    assert run.status == "finished"


def test_killed_run_continues_under_its_id_and_sends_no_row_twice(word, service, tmp_path):
    killed = logger(word, tmp_path)
    for step in (1, 2, 3):
        killed.log("gradients", step, {"weight/depth": float(step)})
        killed.progress(step)
        if step == 2:
            killed.log("metrics", step, {"val/depth/rmse": float(step)})
    killed.close()
    assert next(iter(service.runs.values())).status == "failed"

    resumed = logger(word, tmp_path, CONFIG | {"device": "cuda"})
    resumed.resume(1)  # the checkpoint is older than the last rows
    for step in (2, 3, 4):
        resumed.log("gradients", step, {"weight/depth": float(step)})
        resumed.progress(step)
        if step in (2, 3):
            resumed.log("metrics", step, {"val/depth/rmse": float(step)})
    resumed.close()
    assert service.rows("weight/depth") == [(1, 1.0), (2, 2.0), (3, 3.0), (4, 4.0)]
    assert service.rows("val/depth/rmse") == [(2, 2.0), (3, 3.0)]
    assert next(iter(service.runs.values())).status == "finished"


def test_new_folder_is_a_new_run(word, service, tmp_path):
    logger(word, tmp_path / "a")
    logger(word, tmp_path / "b")
    assert len(service.runs) == 2


def test_missing_package_is_named_with_its_extra(word, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, word, None)
    with pytest.raises(ValueError, match=rf"logger={word}: not installed; pip install -e '\.\[{word}\]'"):
        logger(word, tmp_path)
    assert not (tmp_path / f"{word}.json").exists()


def test_service_that_refuses_is_one_line_with_a_way_out(word, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, word, FAKES[word](Service(), "no login"))
    with pytest.raises(ValueError, match=rf"^logger={word}: .*(key configured|request failed); .* logger=csv$"):
        logger(word, tmp_path)


def test_long_config_goes_in_parts_that_mlflow_takes(tmp_path, monkeypatch):
    service = Service()
    monkeypatch.setitem(sys.modules, "mlflow", FakeMLflow(service))
    logger("mlflow", tmp_path, {"plan": "x" * 7000} | {f"key{k}": k for k in range(250)})
    (run,) = service.runs.values()
    assert len(run.params) == 251


def test_interrupted_training_leaves_one_run_with_every_row_once(word, service, tmp_path):
    words = tiny(tmp_path, "subset=depth", "recipe.evaluate=2", "recipe.steps=5", f"logger=[tensorboard,{word}]")
    cfg = build.compose(words)
    folder = build.run_folder(cfg)
    folder.mkdir(parents=True)
    first = build.build_trainer(cfg, folder)
    original = first._train_step

    def interrupted(batch):
        if first.progress.step == 2:
            os.kill(os.getpid(), signal.SIGTERM)
        original(batch)

    first._train_step = interrupted
    with pytest.raises(SystemExit):
        first.fit()
    (run,) = service.runs.values()
    assert run.status == "failed"
    build.build_trainer(cfg, folder).fit()

    assert (run.status, run.name) == ("finished", "/".join(folder.parts[-2:]))
    assert [step for step, _ in service.rows("train/loss/depth")] == [1, 2, 3, 4, 5]
    assert [step for step, _ in service.rows("val/depth/rmse")] == [2, 4, 5]
    shown = run.params["recipe"]["steps"] if word == "wandb" else run.params["recipe.steps"]
    assert str(shown) == "5"
    assert {path.name for path in folder.glob("*.csv")} == {"metrics.csv", "gradients.csv"}  # always on


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of the database library within MLflow
def test_real_mlflow_keeps_every_row_once(tmp_path):
    mlflow = pytest.importorskip("mlflow")
    for first in (1, 2):
        tracker = logger("mlflow", tmp_path)
        for step in range(first, first + 3):
            tracker.log("gradients", step, {"gradient/cosine/depth-edge": 0.1 * step})
            tracker.progress(step)
        tracker.close()
    run_id = json.loads((tmp_path / "mlflow.json").read_text())["id"]
    client = mlflow.MlflowClient(f"sqlite:///{tmp_path}/runs/mlflow.db")
    history = client.get_metric_history(run_id, "gradient/cosine/depth-edge")
    assert [metric.step for metric in history] == [1, 2, 3, 4]
    run = client.get_run(run_id)
    assert (run.info.run_name, run.info.status, run.data.params["weighter.name"]) == (NAME, "FINISHED", "uniform")


def start_and_end(folder):
    logger("mlflow", folder, results=folder.parent).close()


@pytest.mark.slow
def test_real_mlflow_starts_in_two_processes_at_once(tmp_path):
    pytest.importorskip("mlflow")
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        list(pool.map(start_and_end, [tmp_path / "a", tmp_path / "b"]))
    assert len(list(tmp_path.glob("*/mlflow.json"))) == 2


@pytest.mark.slow
def test_real_wandb_resumes_offline(tmp_path, monkeypatch):
    pytest.importorskip("wandb")
    monkeypatch.setenv("WANDB_MODE", "offline")
    for first in (1, 2):
        tracker = logger("wandb", tmp_path)
        tracker.log("gradients", first, {"weight/depth": 1.0})
        tracker.log("metrics", first, {"val/depth/rmse": 1.0})
        tracker.close()
    run_id = json.loads((tmp_path / "wandb.json").read_text())["id"]
    assert len(list(tmp_path.glob(f"wandb/offline-run-*/run-{run_id}.wandb"))) == 2
