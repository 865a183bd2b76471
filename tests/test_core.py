"""With torch and numpy alone, every weighter trains; what needs more says in one line how to get it."""

import subprocess
import sys
from pathlib import Path

import pytest

from mtl import weighters
from mtl.commands import train

FOLDER = Path(weighters.__file__).parent

PROGRAM = """
import importlib.metadata as metadata, re
from importlib.machinery import PathFinder

def plain(name):
    return re.sub("[-_.]+", "-", name).lower()

def required(name, found):
    for line in metadata.requires(name) or ():
        other = plain(re.match("[A-Za-z0-9_.-]+", line)[0])
        if "extra ==" not in line and other not in found:
            found.add(other)
            try:
                required(other, found)
            except metadata.PackageNotFoundError:  # of another system
                pass
    return found

core = required("torch", {"torch", "numpy"})
places = metadata.packages_distributions()
blocked = {name for name, owners in places.items() if not set(map(plain, owners)) & core} - {"mtl"}
assert {"scipy", "hydra", "omegaconf", "torchvision", "timm", "pandas", "cv2", "annotated_types", "torchjd"} <= blocked

def find_spec(name, *more, find=PathFinder.find_spec):
    return None if name.partition(".")[0] in blocked else find(name, *more)

PathFinder.find_spec = find_spec

import torch
from torch import nn
import mtl
from mtl import weighters

def step(weighter, scope):
    encoder, heads = nn.Linear(5, 4), nn.ModuleList(nn.Linear(4, 1) for _ in range(3))
    before = encoder.weight.detach().clone()
    for _ in range(2):
        features = mtl.cut(encoder(torch.randn(6, 5)), num_tasks=3)
        losses = [head(features[t]).square().mean() for t, head in enumerate(heads)]
        weighter.observe(torch.full([3], 0.5))
        mtl.backward(losses, features, weighter, scope=scope, last_layer=encoder.weight)
        with torch.no_grad():  # torch.optim would import its compiler
            for parameter in (*encoder.parameters(), *heads.parameters()):
                parameter -= 0.1 * parameter.grad
                parameter.grad = None
    assert not encoder.weight.equal(before) and encoder.weight.isfinite().all(), type(weighter)

options = {
    "AutoLambda": {"init": 0.1, "lr": 0.0001},
    "CAGrad": {"c": 0.4, "rescale": 1},
    "DTP": {"alpha": 0.1, "gamma": 1},
    "DBMTL": {"beta": 0.9, "sigma": 0.5},
    "DWA": {"temperature": 2},
    "FAMO": {"gamma": 0.001, "lr": 0.025},
    "FairGrad": {"alpha": 2},
    "Fixed": {"weights": [1, 2, 3]},
    "GradDrop": {"leak": 0},
    "GradNorm": {"alpha": 1.5, "lr": 0.025},
    "GradVac": {"beta": 0.5},
    "IMGrad": {"c": 0.8, "rescale": 1},
    "MGDA": {"normalization": "l2"},
    "NashMTL": {"max_norm": 1, "update_every": 1},
    "PCGrad": {"reduction": "sum"},
    "RotoGrad": {"burn_in": 20},
    "SLAW": {"beta": 0.99},
    "UW": {"init": -0.5},
    "UWSO": {"temperature": 20},
}
for name in sorted(set(weighters.__all__) - {"Needs", "RandomWeighter", "Scope", "TorchJD", "Update", "Weighter"}):
    weighter = getattr(weighters, name)(num_tasks=3, **options.get(name, {}))
    step(weighter, "last_layer" if name == "GradNorm" else "shared")
    print(name)
print(mtl.Accumulation.__name__)
for call in (lambda: weighters.TorchJD(3, "UPGrad", {}), lambda: mtl.load("results/runs/any")):
    try:
        call()
    except (ValueError, ImportError) as error:
        print(error)
"""


def test_every_weighter_trains_and_what_needs_more_packages_says_so():
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    *trained, accumulation, torchjd, load = done.stdout.splitlines()
    files = {file.stem for file in FOLDER.glob("*.py")} - {"__init__", "base", "limits", "torchjd"}
    assert len(trained) == len(files)
    assert accumulation == "Accumulation"
    assert torchjd == "weighter=torchjd needs the package torchjd: pip install -e '.[torchjd]'"
    assert load == "mtl.load needs more packages: pip install -e '.[bench]'"


def test_command_without_the_bench_ends_in_one_line(monkeypatch):
    monkeypatch.setattr("mtl.commands.find_spec", lambda name: None)
    with pytest.raises(SystemExit, match=r"^error: mtl-train needs more packages: pip install -e '\.\[bench\]'$"):
        train()
