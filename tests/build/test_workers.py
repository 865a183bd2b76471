"""`workers: auto` becomes a number that fits the machine, before anything is built."""

import os
from collections import namedtuple

import hydra
import pytest
import torch
from hydra.core.hydra_config import HydraConfig
from omegaconf import OmegaConf

from mtl import build
from mtl.build import workers

ROOM = namedtuple("usage", "free")


@pytest.fixture
def machine(monkeypatch):
    """Sets cores, GPU and free shared memory of the machine."""

    def call(cores: int, gpu: bool = False, shared: int = 2**40):
        monkeypatch.setattr(workers, "cpu_count", lambda: cores)
        monkeypatch.setattr(torch.cuda, "is_available", lambda: gpu)
        monkeypatch.setattr("shutil.disk_usage", lambda _: ROOM(shared))

    return call


@pytest.mark.parametrize(
    ("cores", "gpu", "expected"),
    [(1, False, 0), (2, False, 0), (3, False, 2), (1, True, 0), (2, True, 1), (8, True, 7), (64, True, 16)],
)
def test_one_core_is_left_to_training_and_two_do_not_pay_without_a_gpu(machine, cores, gpu, expected):
    machine(cores, gpu)
    assert build.compose([]).workers == expected


def test_gpu_that_the_run_does_not_use_does_not_count(machine):
    machine(2, gpu=True)
    assert build.compose(["device=cpu"]).workers == 0


def test_little_shared_memory_keeps_loading_in_this_process(machine):
    machine(16, gpu=True, shared=2**26)  # what Docker gives a container
    assert build.compose([]).workers == 0
    machine(16, gpu=True, shared=3 * 2**28)
    assert build.compose([]).workers == 3


def test_processes_of_torchrun_share_the_cores(machine, monkeypatch):
    machine(16, gpu=True)
    monkeypatch.setitem(os.environ, "LOCAL_WORLD_SIZE", "4")
    assert build.compose([]).workers == 3


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ([], 15),  # one run after another
        (["hydra/launcher=two"], 7),
        (["hydra/launcher=joblib"], 0),  # as many runs as cores
        (["hydra/launcher=slurm"], 7),
        (["hydra/launcher=two", "hydra.mode=RUN"], 15),
    ],
    ids=str,
)
def test_runs_of_a_launcher_share_the_cores(machine, monkeypatch, words, expected):
    machine(16, gpu=True)
    cfg = compose_with_hydra([*words[:1], *(words[1:] or ["hydra.mode=MULTIRUN"])])
    monkeypatch.setattr(HydraConfig, "initialized", lambda: True)
    monkeypatch.setattr(HydraConfig, "get", lambda: cfg.hydra)
    assert build.settle(build.compose([])).workers == expected


def compose_with_hydra(words):
    with hydra.initialize_config_dir(version_base="1.3", config_dir=str(build.CONFIGS)):
        return hydra.compose("config", words, return_hydra_config=True)


def test_ray_gives_a_run_its_own_cores():
    assert workers.share(64, OmegaConf.create({"ray": {"remote": {"num_cpus": 4}}})) == 4


def test_number_on_the_command_line_is_kept_and_reaches_the_edge_metric(machine):
    machine(16)
    cfg = build.compose(["workers=3"])
    assert (cfg.workers, cfg.dataset.tasks.edge.metric.workers) == (3, 3)
    assert build.compose([]).dataset.tasks.edge.metric.workers == 15


@pytest.mark.parametrize("word", ["two", "-1", "1.5", "null", "true"])
def test_anything_else_is_refused(word):
    with pytest.raises(ValueError, match=r"workers=.*: use a whole number, 0 or above, or auto"):
        build.compose([f"workers={word}"])
