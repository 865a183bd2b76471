"""Tests on a GPU: `make gpu-check`. With MTL_TEST_DEVICE=cpu they run on the CPU, with smaller networks and images."""

import os
from pathlib import Path

import pytest
import torch

from mtl import build
from mtl.run.device import choose_device

os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # for deterministic=true, before cuBLAS starts
WORD = os.environ.get("MTL_TEST_DEVICE", "cuda")
ON_CPU = WORD == "cpu"
SMALL = ("dataset.height=32", "dataset.width=64")
SIZE = SMALL if ON_CPU else ("dataset.height=448", "dataset.width=576")
NETWORKS = {
    "vanilla": ("model=vanilla", f"backbone={'resnet_tiny' if ON_CPU else 'resnet18'}"),
    "mtan": ("model=mtan", f"backbone={'resnet_narrow' if ON_CPU else 'resnet18'}"),
    "mti_net": ("model=mti_net", "backbone=hrnet18"),
    "pad_net": ("model=pad_net", "backbone=hrnet18"),
    "atrc_nyud": ("model=atrc_nyud", "backbone=hrnet18"),
    "taskprompter": ("model=taskprompter", "backbone=vit_tiny", f"model.network.windows={2 if ON_CPU else 4}"),
    "invpt": ("model=invpt", f"backbone={'vit_tiny' if ON_CPU else 'vit_base'}"),
}


@pytest.fixture(scope="session")
def device() -> torch.device:
    """The device to test; without it, tests are skipped."""
    if WORD != "cpu" and not torch.cuda.is_available():
        pytest.skip("no GPU; MTL_TEST_DEVICE=cpu runs this test on the CPU, smaller")
    return choose_device(WORD)


@pytest.fixture(scope="session")
def data(tmp_path_factory) -> Path:
    """A folder for rendered rooms."""
    return tmp_path_factory.mktemp("data")


@pytest.fixture(params=NETWORKS)
def network(request) -> tuple[str, ...]:
    """Words of train.py that choose an architecture with its backbone."""
    return NETWORKS[request.param]


@pytest.fixture
def full_float32(monkeypatch):
    """Convolutions without TF32, to compare them with the CPU."""
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", False)


@pytest.fixture
def size() -> tuple[str, ...]:
    """Words for images of the size of NYUD-v2; small on the CPU."""
    return SIZE


@pytest.fixture
def small() -> tuple[str, ...]:
    """Words for small images."""
    return SMALL


@pytest.fixture
def trainer(tmp_path, data, device):
    """Builds the trainer of a short run on the device."""

    def make(name: str, *words: str, on: str = WORD):
        short = ["dataset.train.scenes=2", "dataset.train.scans=2", "dataset.val.scenes=1", "dataset.val.scans=2"]
        short += ["recipe.batch_size=2", "recipe.steps=4", "recipe.evaluate=2", "workers=0", f"device={on}"]
        short += [f"data={data}", f"results={tmp_path}"]
        folder = tmp_path / name
        folder.mkdir(exist_ok=True)
        return build.build_trainer(build.compose([*short, *words]), folder)

    return make
