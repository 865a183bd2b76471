"""A run of several processes, through torchrun as a user would start it."""

import json
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from tiny import tiny

from mtl import build

ROOT = Path(__file__).parent.parent


def torchrun(folder: Path) -> subprocess.CompletedProcess:
    words = tiny(folder, "weighter=nashmtl", "dataset.val.scans=4")
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "train.py"]
    return subprocess.run([*command, *words], cwd=ROOT, capture_output=True, text=True, check=False)


def test_two_processes_train_one_run_between_them(tmp_path):
    done = torchrun(tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("step 3: semseg/miou") == 1  # one process speaks
    (record,) = tmp_path.glob("results/runs/*/seed0/record.json")
    facts = json.loads(record.read_text())
    assert facts["steps"] == 3
    assert facts["skipped_steps"] == 0
    assert len(pd.read_csv(record.with_name("gradients.csv"))) == 3
    again = torchrun(tmp_path)
    assert again.returncode == 0, again.stderr
    assert "already finished" in again.stdout


def test_a_batch_that_does_not_divide_is_refused_before_training(tmp_path, monkeypatch):
    monkeypatch.setattr("mtl.engine.distributed.world_size", lambda: 2)
    with pytest.raises(ValueError, match=r"recipe.batch_size=3 does not divide into 2 processes"):
        build.build_trainer(build.compose(tiny(tmp_path, "recipe.batch_size=3")), tmp_path)
