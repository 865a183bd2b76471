"""Sweeps over several processes: with Ray, and with submitit, which also launches SLURM jobs."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from tiny import tiny

ROOT = Path(__file__).parent.parent


def sweep(folder: Path, *words: str, path: Path | None = None) -> list[dict]:
    """Records of a sweep over two seeds."""
    command = [sys.executable, ROOT / "train.py", "-m", *tiny(folder, "subset=depth", "seed=0,1", *words)]
    environment = os.environ | {"OMP_NUM_THREADS": "1"} | ({"PYTHONPATH": str(path)} if path else {})
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    records = sorted(folder.glob("results/runs/*/seed*/record.json"))
    assert done.returncode == 0, done.stderr[-3000:]
    return [json.loads(record.read_text()) for record in records]


@pytest.fixture(scope="module")
def ray(tmp_path_factory) -> Path:
    """Install Ray and its launcher in a separate folder, so that the environment of the project does not change."""
    folder = tmp_path_factory.mktemp("ray")
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--target", str(folder), "hydra-ray-launcher>=1.2.1"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"Ray could not be installed: {done.stderr.strip().splitlines()[-1:]}")
    return folder


@pytest.mark.slow
def test_ray_trains_a_sweep(ray, tmp_path):
    remote = "hydra.launcher.ray.remote"
    words = [
        "hydra/launcher=ray_gpu",
        f"{remote}.num_gpus=0",
        f"{remote}.num_cpus=1",
        "++hydra.launcher.ray.init.num_cpus=2",
    ]
    records = sweep(tmp_path, *words, path=ray)
    assert [record["seed"] for record in records] == [0, 1]
    assert all("seed=" in record["command"] for record in records)


@pytest.mark.slow
def test_submitit_trains_a_sweep_and_a_second_call_trains_nothing(tmp_path):
    words = ["hydra/launcher=submitit_local", f"hydra.launcher.submitit_folder={tmp_path}/jobs"]
    records = sweep(tmp_path, *words)
    assert [record["seed"] for record in records] == [0, 1]
    before = {path: path.stat().st_mtime_ns for path in tmp_path.glob("results/runs/*/seed*/record.json")}
    sweep(tmp_path, *words)
    assert before == {path: path.stat().st_mtime_ns for path in before}
