"""kill -9, SIGTERM or a full disk at random moments, then the same command: `make crash-test`."""

import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from tiny import tiny

from mtl.run.checkpoint import load_checkpoint

ROOT = Path(__file__).parent.parent
LENGTH = ["weighter=avgnorm", "recipe.steps=60", "recipe.evaluate=6", "backbone.head.dropout=0.5"]
LENGTH += ["dataset.train.scenes=12", "logging.checkpoint_minutes=0.002", "keep=both"]


FAULTS = [(signal.SIGKILL, 0), (signal.SIGKILL, 2), (signal.SIGTERM, 2), ("full disk", 0)]  # and data loading workers
ROOM = 100_000  # bytes that a file may have on the full disk: a log fits, a checkpoint does not


def start(folder: Path, workers: int = 0, room: int | None = None) -> subprocess.Popen:
    command = [sys.executable, "train.py", *tiny(folder, *LENGTH, f"workers={workers}")]
    process = subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, start_new_session=True
    )
    if room is not None:
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (room, room))
    return process


def run_folder(folder: Path) -> Path:
    (found,) = folder.glob("results/runs/*/seed0")
    return found


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> tuple[Path, float]:
    """An undisturbed run, and how long it takes."""
    folder = tmp_path_factory.mktemp("whole")
    begun = time.monotonic()
    process = start(folder)
    _, errors = process.communicate()
    assert process.returncode == 0, errors.decode()
    return run_folder(folder), time.monotonic() - begun


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(20))
def test_killed_run_ends_as_an_undisturbed_one(tmp_path, whole, seed):
    expected, seconds = whole
    moments, (fault, workers) = random.Random(seed), FAULTS[seed % len(FAULTS)]
    kills, reach = 0, 0.9
    while kills < 2:
        process = start(tmp_path, workers)
        try:
            process.wait(timeout=moments.uniform(0.2, reach) * seconds)
            shutil.rmtree(tmp_path / "results")  # it was faster: begin again, and kill sooner
            reach *= 0.8
        except subprocess.TimeoutExpired:
            number = fault if isinstance(fault, signal.Signals) else signal.SIGKILL
            os.killpg(process.pid, number)
            assert process.wait(timeout=30) in (-number, 128 + number)
            kills += 1
        process.stderr.close()
    if fault == "full disk":
        process = start(tmp_path, workers, ROOM)
        _, errors = process.communicate()
        assert process.returncode == 1
        assert b"File too large" in errors
        assert b"Traceback" not in errors
    process = start(tmp_path)
    _, errors = process.communicate()
    assert process.returncode == 0, errors.decode()

    found = run_folder(tmp_path)
    for name in ("metrics.csv", "gradients.csv"):
        assert (found / name).read_text() == (expected / name).read_text()
    for name in ("last.pt", "best.pt"):
        ours, theirs = load_checkpoint(found / name)["model"], load_checkpoint(expected / name)["model"]
        assert all(torch.equal(ours[key], theirs[key]) for key in theirs)
    kept = {"best.pt", "changes.patch", "config.yaml", "gradients.csv", "last.pt", "metrics.csv", "record.json"}
    kept |= {"science.json", "environments.json"}
    assert {p.name for p in found.iterdir() if not p.name.startswith("events")} == kept
    shutil.rmtree(tmp_path)
