"""Each run of a sweep on GPUs of its own, on a machine that has none."""

import os

import pytest
import torch
from hydra.types import RunMode
from omegaconf import OmegaConf

from mtl.cli.gpus import VISIBLE, OwnGPUs


@pytest.fixture
def used(monkeypatch) -> list[int]:
    """The GPUs that were chosen, in order."""
    chosen = []
    monkeypatch.setattr(torch.cuda, "set_device", chosen.append)
    return chosen


def job(folder, number=0, places=2, processes=1, launcher="gpus"):
    hydra = {"job": {"num": number}, "launcher": {"n_jobs": places}, "sweep": {"dir": str(folder)}}
    hydra |= {
        "mode": RunMode.MULTIRUN,
        "overrides": {"hydra": []},
        "runtime": {"choices": {"hydra/launcher": launcher}},
    }
    return OmegaConf.create({"device": "auto", "processes": processes, "hydra": hydra})


def start(*arguments, **options) -> OwnGPUs:
    callback = OwnGPUs()
    callback.on_job_start(config=job(*arguments, **options))
    return callback


@pytest.mark.parametrize(("found", "processes", "expected"), [(4, 1, 4), (4, 2, 2), (5, 2, 2), (1, 1, 1)])
def test_as_many_runs_at_a_time_as_gpus(monkeypatch, tmp_path, found, processes, expected):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: found)
    config = job(tmp_path, processes=processes)
    OwnGPUs().on_multirun_start(config=config)
    assert config.hydra.launcher.n_jobs == expected
    assert config.hydra.overrides.hydra == [f"hydra.launcher.n_jobs={expected}"]


def test_run_k_gets_gpu_k_mod_n(used, tmp_path):
    for number in range(5):
        start(tmp_path, number).on_job_end()
    assert used == [0, 1, 0, 1, 0]


def test_gpu_of_a_run_that_takes_long_is_not_used_twice(used, tmp_path):
    start(tmp_path, 0)
    slow = start(tmp_path, 1)
    for number in (2, 3):
        start(tmp_path, number).on_job_end()
    assert used == [0, 1, 0, 0]
    slow.on_job_end()
    start(tmp_path, 5).on_job_end()
    assert used[-1] == 1


@pytest.mark.parametrize(
    ("visible", "own"), [(None, "2,3"), ("4,5,6,7", "6,7"), ("GPU-a,GPU-b,GPU-c,GPU-d", "GPU-c,GPU-d")]
)
def test_processes_of_a_run_see_its_gpus_alone(used, monkeypatch, tmp_path, visible, own):
    monkeypatch.delenv(VISIBLE, raising=False)
    if visible:
        monkeypatch.setenv(VISIBLE, visible)
    callback = start(tmp_path, 1, processes=2)
    assert os.environ[VISIBLE] == own
    callback.on_job_end()
    assert os.environ.get(VISIBLE) == visible
    assert used == []


def test_other_launchers_choose_no_gpu(used, tmp_path):
    start(tmp_path, launcher="basic").on_job_end()
    config = job(tmp_path, launcher="basic")
    OwnGPUs().on_multirun_start(config=config)
    assert config == job(tmp_path, launcher="basic")
    assert used == []


@pytest.mark.parametrize(
    ("found", "words", "line"),
    [(0, {}, "torch sees 0 GPU(s), a run needs 1"), (1, {"processes": 2}, "sees 1 GPU(s), a run needs 2")],
)
def test_machine_with_too_few_gpus_is_refused_in_one_line(monkeypatch, capsys, tmp_path, found, words, line):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: found)
    with pytest.raises(SystemExit, match="1"):
        OwnGPUs().on_multirun_start(config=job(tmp_path, **words))
    assert line in (text := capsys.readouterr().err)
    assert text.count("\n") == 1
