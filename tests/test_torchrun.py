"""A run of several processes, through torchrun as a user would start it."""

import json
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
import torch
from tiny import tiny

from mtl import build
from mtl.engine import distributed

ROOT = Path(__file__).parent.parent


def call(folder: Path, *command: str) -> str:
    """What a command prints that trains the tiny run."""
    words = tiny(folder, "weighter=nashmtl", "dataset.val.scans=4")
    command = [sys.executable, *command, *words]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


@pytest.mark.slow
def test_two_processes_train_one_run_between_them_and_each_run_of_a_sweep(tmp_path):
    alone = call(tmp_path, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "train.py")
    swept = call(tmp_path, "train.py", "-m", "processes=2", "seed=0,1", "hydra/launcher=basic")
    assert swept.count("already finished") == 1
    for output, seed in ((alone, 0), (swept, 1)):
        assert output.count("step 3: semseg/miou") == 1  # one process speaks
        (path,) = tmp_path.glob(f"results/runs/*/seed{seed}/record.json")
        record = json.loads(path.read_text())
        assert record["steps"] == 3
        assert record["skipped_steps"] == 0
        assert len(pd.read_csv(path.with_name("gradients.csv"))) == 3
    assert "processes=2" in record["command"]
    assert "workers=" not in record["command"].replace("render_workers=", "")


def test_a_batch_that_does_not_divide_is_refused_before_training(tmp_path, monkeypatch):
    monkeypatch.setattr("mtl.engine.distributed.world_size", lambda: 2)
    with pytest.raises(ValueError, match=r"recipe.batch_size=3 does not divide into 2 processes"):
        build.build_trainer(build.compose(tiny(tmp_path, "recipe.batch_size=3")), tmp_path)


@pytest.mark.parametrize(
    ("device", "line"),
    [("cuda", "torch sees 1 GPU.*too few for 2 processes"), ("cuda:1", "cuda:1 is one GPU.*use dev")],
)
def test_processes_that_would_share_a_gpu_are_refused(monkeypatch, device, line):
    for key, value in {"RANK": "1", "LOCAL_RANK": "1", "LOCAL_WORLD_SIZE": "2"}.items():
        monkeypatch.setenv(key, value)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    with pytest.raises(ValueError, match=line):
        distributed.start(torch.device(device))
