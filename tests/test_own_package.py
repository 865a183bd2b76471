"""A weighter, a model, a task and a dataset in a package of one's own: no file of this one changes."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from mtl.cli.ending import with_folder
from mtl.cli.settings import group_choices, group_without_file, unknown_key
from mtl.files import read_json

ROOT = Path(__file__).parent.parent
WEIGHTER = re.search(r"## Without a fork\n(.*?)\n## ", (ROOT / "CONTRIBUTING.md").read_text(), re.DOTALL)[1]

FILES = {
    "mine/network.py": """
from mtl.models import Vanilla


class Doubled(Vanilla):
    def encode(self, image):
        return [2 * maps for maps in super().encode(image)]
""",
    "mine/ramps.py": """
from dataclasses import dataclass

import numpy as np

from mtl.data import DenseDataset
from mtl.tasks import Notation
from mtl.tasks.families import Measure


@dataclass(frozen=True)
class Height(Measure):
    name = "height"
    fill = -1.0
    unit = "m"
    largest = 100.0
    colour = "#222222"
    bar = "metres"
    notations = {"rmse": Notation("RMSE", "m", 3, higher_is_better=False)}


class Ramps(DenseDataset):
    available = ("depth", "height")

    def __init__(self, images, **options):
        super().__init__(**options)
        self.images = images

    def __len__(self):
        return self.images

    def read(self, index):
        height = np.tile(np.linspace(0, 1 + index, 48, dtype=np.float32), (1, 32, 1))
        image = np.repeat(np.uint8(20 * height), 3, axis=0)
        labels = {"depth": 1 + height, "height": height}
        meta = {"id": str(index), "size": (32, 48), "padding": (0, 0)}
        return {"image": image, "meta": meta} | {task: labels[task] for task in self.reads}
""",
    "configs/model/doubled.yaml": """
name: doubled
network: {_target_: mine.network.Doubled}
""",
    "configs/task/height.yaml": """
_target_: mtl.task.Task
name: height
channels: 1
label: {_target_: mine.ramps.Height}
loss: {_target_: mtl.losses.MaskedL1}
metric: {_target_: mtl.metrics.RMSE}
""",
    "configs/dataset/ramps.yaml": """
defaults:
  - /task@tasks.depth: depth
  - /task@tasks.height: height
  - _self_
name: ramps
pretrained: false
epochs: 1
default_tasks: [depth, height]
normalize: {_target_: mtl.data.transforms.Normalize, mean: [0.5, 0.5, 0.5], std: [0.2, 0.2, 0.2]}
train: {_target_: mine.ramps.Ramps, split: train, images: 4, transform: "${dataset.normalize}"}
val: {_target_: mine.ramps.Ramps, split: val, images: 2, transform: "${dataset.normalize}"}
""",
}

# Each takes a run that does not use it up to two seconds more to start.
SLOW = {"torchmetrics", "matplotlib", "pandas", "scipy.signal", "scipy.stats", "skimage", "numba", "tensorboard"}


@pytest.fixture
def package(tmp_path):
    """The folder that holds the package of CONTRIBUTING.md, and the rest of what one may want to add."""
    blocks = re.findall(r"```\w+\n# (\S+)\n(.*?)```", WEIGHTER, re.DOTALL)
    assert [name for name, _ in blocks] == ["mine/weighter.py", "configs/weighter/mine.yaml"]
    for name, text in [*blocks, *FILES.items()]:
        (path := tmp_path / "my code" / name).parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path / "my code"


def test_own_weighter_model_task_and_dataset_train_without_a_change_to_ours(package, tmp_path):
    words = ["dataset=ramps", "model=doubled", "weighter=mine", "backbone=resnet_tiny", "logger=csv", "device=cpu"]
    small = ["recipe.steps=2", "recipe.batch_size=2", "recipe.evaluate=end"]
    done = subprocess.run(
        [sys.executable, "-X", "importtime", ROOT / "train.py", "--config-dir", "my code/configs", *words, *small],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"PYTHONPATH": f"{package}:{ROOT}"},
    )
    assert done.returncode == 0, done.stderr
    assert f"python train.py -m hydra.searchpath=['{package}/configs'] dataset=ramps" in done.stdout  # of single tasks
    (folder,) = tmp_path.glob("results/runs/ramps_resnet_tiny_doubled_mine_depth-height-*/seed0")
    record = read_json(folder / "record.json")
    assert set(record["last"]["scores"]) == {"depth", "height"}
    assert "hydra.searchpath=" in record["command"]
    imported = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines() if line.startswith("import time:")}
    assert "torch" in imported
    assert not imported & SLOW


def test_messages_know_the_files_of_the_package(package):
    words = [f"hydra.searchpath=['{package}/configs']", "weighter=mime"]
    assert "did you mean mine?" in group_without_file(words)
    assert group_choices([*words, "weighter=mine", "seed=1"]) == [words[0], "weighter=mine"]
    assert "it belongs to" in unknown_key("weighter.scope", [words[0], "weighter=mine"])


def test_folder_of_configs_becomes_a_word(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "configs").mkdir()
    assert with_folder(["-m", "--config-dir", "configs", "seed=1"]) == [
        *("-m", "seed=1", f"hydra.searchpath=[{tmp_path}/configs]")
    ]
    assert with_folder(["seed=1"]) == ["seed=1"]
    with pytest.raises(ValueError, match="--config-dir nowhere: no such folder"):
        with_folder(["--config-dir=nowhere"])
