"""A run folder, and what a malicious one may name in its config; each leaves a file if it is carried out."""

import copy
import os
import shutil
from pathlib import Path
from typing import Any

import torch
from omegaconf import OmegaConf
from tiny import tiny

from mtl import build
from mtl.files import write_whole
from mtl.run.checkpoint import save_checkpoint


class Payload:
    """Leaves a file when it is unpickled."""

    def __init__(self, canary: Path) -> None:
        self.canary = canary

    def __reduce__(self) -> tuple:
        return os.mkdir, (str(self.canary),)


def make_run(folder: Path, *words: str) -> Path:
    """A run folder `run` with untrained weights and the part of a config that is read."""
    cfg = build.compose(tiny(folder, "subset=[depth,edge]", *words))
    OmegaConf.resolve(cfg)
    network = build.build_model(cfg, build.build_tasks(cfg))
    (run := folder / "run").mkdir()
    cfg = OmegaConf.masked_copy(cfg, ["subset", "dataset", "backbone", "model"])
    cfg.dataset = OmegaConf.masked_copy(cfg.dataset, ["name", "tasks", "val"])
    cfg.dataset.tasks = OmegaConf.masked_copy(cfg.dataset.tasks, ["depth", "edge"])
    OmegaConf.save(cfg, run / "config.yaml")
    save_checkpoint({"model": network.state_dict()}, run / "best.pt")
    return run


def prepare(canary: Path) -> None:
    """Writes the files that the nodes read: a pickle and a module, each of which makes the file."""
    torch.save(Payload(canary), canary.with_suffix(".pkl"))
    source = f"import pathlib\npathlib.Path({str(canary)!r}).touch()\n\n\nclass Thing:\n    pass\n"
    canary.with_name("imports_canary.py").write_text(source)


def nodes(canary: Path) -> dict[str, dict[str, Any]]:
    """By name: a node that makes the file if a class of the config may be anything."""
    text, pickled, module = str(canary), canary.with_suffix(".pkl"), canary.with_name("imports_canary.py")
    touch = {"_target_": "os.mkdir", "_args_": [text]}
    unpickle = {"f": str(pickled), "weights_only": False}
    return {
        "os.system": {"_target_": "os.system", "command": f"touch {text}"},
        "posix.system": {"_target_": "posix.system", "command": f"touch {text}"},
        "os.mkdir": touch,
        "os.open": {"_target_": "os.open", "_args_": [text, os.O_CREAT]},
        "subprocess.check_call": {"_target_": "subprocess.check_call", "args": ["touch", text]},
        "subprocess.Popen": {"_target_": "subprocess.Popen", "args": ["touch", text]},
        "builtins.eval": {"_target_": "builtins.eval", "_args_": [f"open({text!r}, 'w')"]},
        "builtins.exec": {"_target_": "builtins.exec", "_args_": [f"open({text!r}, 'w')"]},
        "builtins.open": {"_target_": "builtins.open", "_args_": [text, "w"]},
        "pathlib.Path.touch": {
            "_target_": "pathlib.Path.touch",
            "_args_": [{"_target_": "pathlib.Path", "_args_": [text]}],
        },
        "shutil.copy": {"_target_": "shutil.copy", "src": str(module), "dst": text},
        "runpy.run_path": {"_target_": "runpy.run_path", "path_name": str(module)},
        "importlib.import_module": {"_target_": "importlib.import_module", "name": "imports_canary"},
        "a module that is imported": {"_target_": "imports_canary.Thing"},
        "torch.load": {"_target_": "torch.load", **unpickle},
        "torch.save": {"_target_": "torch.save", "obj": 1, "f": text},
        "numpy.save": {"_target_": "numpy.save", "file": f"{text}.npy", "arr": 1},
        "hydra.utils.instantiate": {"_target_": "hydra.utils.instantiate", "_args_": [touch], "_recursive_": False},
        "hydra.utils.call": {"_target_": "hydra.utils.call", "_args_": [touch], "_recursive_": False},
        "mtl.files.write_whole": {
            "_target_": "mtl.files.write_whole",
            "path": {"_target_": "pathlib.Path", "_args_": [text]},
            "content": "x",
        },
        "mtl.data.base.torch.load": {"_target_": "mtl.data.base.torch.load", **unpickle},
        "mtl.data.base.torch.save": {"_target_": "mtl.data.base.torch.save", "obj": 1, "f": text},
        "mtl.heads.deeplab.F.torch.save": {"_target_": "mtl.heads.deeplab.F.torch.save", "obj": 1, "f": text},
        "mtl.backbones.pretrained.torch.save": {"_target_": "mtl.backbones.pretrained.torch.save", "obj": 1, "f": text},
        "mtl.metrics.boundary.protocol.Path.touch": {
            "_target_": "mtl.metrics.boundary.protocol.Path.touch",
            "_args_": [{"_target_": "mtl.metrics.boundary.protocol.Path", "_args_": [text]}],
        },
        "mtl.data.Rooms": {
            "_target_": "mtl.data.Rooms",
            **{"split": "val", "scenes": 1, "scans": 1, "views": 1, "root": text, "height": 32, "width": 32},
            **{"fov": 65, "clutter": 1.0, "seed": 0, "workers": 0, "tasks": ["depth"], "transform": None},
        },
        "mtl.loggers.CSVLogger": {
            "_target_": "mtl.loggers.CSVLogger",
            "folder": {"_target_": "pathlib.Path", "_args_": [text]},
            **{"name": "x", "steps": 1, "config": {}},
        },
    }


PLACES = {
    "backbone.encoder": None,
    "backbone.encoder.layers": None,
    "backbone.encoder.extra": None,
    "backbone.head": None,
    "backbone.head.dilations": [],
    "backbone.head.dropout": None,
    "model.network": None,
    "model.network.extra": {"deep": [[]]},
    "dataset.val.transform": None,
    "dataset.val.transform.mean": [],
    "dataset.tasks.depth": None,
    "dataset.tasks.depth.label": None,
    "dataset.tasks.depth.bias": None,
    "dataset.tasks.depth.loss": None,
    "dataset.tasks.edge.metric": None,
    "dataset.tasks.edge.metric.protocol": None,
    "dataset.val": None,
}


def put(run: Path, place: str, node: Any, partial: bool = False) -> None:
    """Writes a node to a place of the run's config, inside lists where the table of places says so."""
    cfg = OmegaConf.load(run / "config.yaml")
    node = copy.deepcopy(node) | ({"_partial_": True} if partial else {})
    around = PLACES[place]
    if around == []:
        node = [1, node]
    elif around:
        node = {"deep": [[node]]}
    if place == "dataset.val":
        cfg.dataset.val._target_ = node["_target_"]
    else:
        OmegaConf.update(cfg, place, node, merge=False, force_add=True)
    write_whole(run / "config.yaml", OmegaConf.to_yaml(cfg))


def carried_out(canary: Path) -> bool:
    """Whether something made the file or one like it; removes it."""
    found = [path for path in canary.parent.glob(f"{canary.name}*") if path.suffix != ".pkl"]
    for path in found:
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    return bool(found)
