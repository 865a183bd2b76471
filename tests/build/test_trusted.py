"""A run folder is data: no loader runs code that a folder chooses."""

import json
import pickle
import sys
from pathlib import Path

import pytest
import torch
from attacks import PLACES, Payload, carried_out, make_run, nodes, prepare, put
from omegaconf import OmegaConf

import mtl
from mtl import build
from mtl.engine.teachers import load_singles
from mtl.report.read.runs import finished_runs, single_task_runs
from mtl.report.read.scores import our_scores
from mtl.report.read.summary import summary
from mtl.run.checkpoint import load_last

NAMES = list(nodes(Path("canary")))
OWN = "imports_canary"
IGNORED = ("dataset.tasks.depth.loss", "dataset.tasks.edge.metric", "dataset.tasks.edge.metric.protocol")


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> Path:
    return make_run(tmp_path_factory.mktemp("made"))


@pytest.fixture
def run(whole, tmp_path) -> Path:
    """A run folder that a test may change."""
    (tmp_path / "run").mkdir()
    for name in ("config.yaml", "best.pt"):
        (tmp_path / "run" / name).write_bytes((whole / name).read_bytes())
    return tmp_path / "run"


@pytest.fixture
def canary(tmp_path, monkeypatch) -> Path:
    """The file that nothing may make."""
    monkeypatch.syspath_prepend(str(tmp_path))
    prepare(tmp_path / "canary")
    yield tmp_path / "canary"
    sys.modules.pop(OWN, None)


def refused(run: Path, match: str) -> None:
    with pytest.raises(ValueError, match=match) as caught:
        mtl.load(run)
    assert str(caught.value).startswith(str(run))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", NAMES)
def test_name_of_other_code_is_refused_before_it_is_imported_or_called(run, canary, name):
    config = (run / "config.yaml").read_text()
    for place, partial in (("backbone.encoder", False), ("backbone.head.dilations", True)):
        (run / "config.yaml").write_text(config)
        put(run, place, nodes(canary)[name], partial)
        refused(run, f"config.yaml: {place}.* names ")
        assert not carried_out(canary)


@pytest.mark.parametrize("place", PLACES)
def test_no_place_of_a_config_runs_other_code(run, canary, place):
    put(run, place, nodes(canary)["os.mkdir"])
    if place in IGNORED:  # losses and metrics are not built
        mtl.load(run)
    else:
        refused(run, rf"config.yaml: {place}.*_target_ names os.mkdir, which is not of mtl\..*trust=os")
    assert not carried_out(canary)


@pytest.mark.parametrize(
    ("place", "name", "reason"),
    [
        ("backbone.encoder", "mtl.heads.DeepLabHead", "not of mtl.backbones"),
        ("backbone.encoder", "mtl.backbones.pretrained.create", "which is not a class"),
        ("backbone.encoder", "mtl.backbones.base.nn.Module", "is a class of torch"),
        ("backbone.encoder", "mtl.backbones", "not of mtl.backbones"),
        ("backbone.encoder", "mtl.backbones.", "there is no such class"),
        ("backbone.encoder", "mtl.backbones..Pyramid", "there is no such class"),
        ("backbone.encoder", "mtl.backbones_evil.Pyramid", "not of mtl.backbones"),
        ("backbone.encoder", 3, "not of mtl.backbones"),
        ("backbone.encoder", None, "not of mtl.backbones"),
        ("backbone.encoder", {"_target_": "os.mkdir"}, "not of mtl.backbones"),
        ("backbone.head", "mtl.heads.deeplab.ASPP", "is a class of mtl.layers"),
        ("model.network", "mtl.models.base.Outputs", "is not a MultiTaskModel"),
        ("dataset.val", "mtl.data.Sampling", "is not a DenseDataset"),
        ("dataset.val.transform", "mtl.data.transforms.LabelMap", "is not a Module"),
        ("dataset.val.transform", "torchvision.transforms.v2.functional.io", "there is no such class"),
        ("dataset.tasks.depth", "mtl.tasks.base.Path", "is a class of pathlib"),
        ("dataset.tasks.depth.label", "mtl.tasks.Notation", "is not a Task or Label"),
    ],
    ids=str,
)
def test_class_of_another_kind_is_refused(run, place, name, reason):
    put(run, place, {"_target_": name})
    refused(run, rf"config.yaml: {place}.*_target_ names .*{reason}")


def test_package_of_ones_own_is_used_only_if_it_is_trusted(run, canary, run_script):
    source = "from mtl.backbones import Pyramid\n\n\nclass Mine(Pyramid):\n    pass\n"
    (canary.parent / f"{OWN}.py").write_text(source)
    config = (run / "config.yaml").read_text()
    (run / "config.yaml").write_text(config.replace("mtl.backbones.Pyramid", f"{OWN}.Mine"))
    refused(run, rf"backbone.encoder._target_ names {OWN}.Mine, .* your own, allow it with trust={OWN}$")
    assert OWN not in sys.modules
    for trust in ([OWN], OWN, f"other, {OWN}"):
        assert type(mtl.load(run, trust=trust).network.backbone).__name__ == "Mine"
    words = (f"run={run}", f"images={run}/none.png")
    (run / "none.png").write_bytes(b"")
    assert f"allow it with trust={OWN}" in run_script("predict", *words)[2]
    assert "none.png: cannot be read" in run_script("predict", *words, f"trust={OWN}")[2]


@pytest.mark.parametrize("name", [f"{OWN}.os.mkdir", f"{OWN}.os.PathLike", f"{OWN}.function", f"{OWN}.none.Thing"])
def test_trusted_package_gives_only_classes_that_it_defines(run, canary, name):
    (canary.parent / f"{OWN}.py").write_text("import os\n\n\ndef function(_args_):\n    os.mkdir(_args_)\n")
    put(run, "backbone.encoder", {"_target_": name, "_args_": [str(canary)]})
    with pytest.raises(ValueError, match=rf"names {name}, (and there is no such|which is a|which is not a) class"):
        mtl.load(run, trust=[OWN])
    assert not carried_out(canary)


@pytest.mark.parametrize(
    "text", ["${oc.env:HOME}", "${oc.decode:1}", "${name}", "a${dataset.name}", r"\${name}", "${", "${x:"]
)
@pytest.mark.parametrize("place", ["name", "backbone.encoder.name", "backbone.head.dilations", "dataset.data"])
def test_references_in_a_config_are_refused(run, place, text, monkeypatch):
    monkeypatch.setenv("HOME", "secret")
    put_text(run, place, text)
    with pytest.raises(ValueError, match=r"config.yaml is damaged, or not the config of a run") as caught:
        mtl.load(run)
    assert "secret" not in str(caught.value)


def put_text(run: Path, place: str, text: str) -> None:
    """Writes a config with one text at a place."""
    content = {}
    *groups, last = place.split(".")
    node = content
    for group in groups:
        node = node.setdefault(group, {})
    node[last] = [text] if last == "dilations" else text
    (run / "config.yaml").write_text(json.dumps(content))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "3",
        "{",
        "a: b: c",
        "dataset: 3",
        "dataset: {tasks: []}",
        "backbone: null",
        "&a [*a]",
        "x: \0",
        "???",
        "x: ???",
    ],
)
def test_what_is_no_config_of_a_run_is_refused_in_one_line(run, text):
    (run / "config.yaml").write_text(text)
    refused(run, r"config.yaml is damaged, or not the config of a run \(")


def test_tags_of_yaml_run_nothing(run, canary):
    with (run / "config.yaml").open("a") as file:
        file.write(f"more: !!python/object/apply:os.mkdir ['{canary}']\n")
    refused(run, "config.yaml is damaged, or not the config of a run .*python/object/apply")
    assert not carried_out(canary)


@pytest.mark.parametrize("key", ["pretrained", "checkpoint", "checkpoint_path", "pretrained_cfg", "cache_dir"])
def test_arguments_that_load_initial_weights_do_nothing(run, canary, key):
    torch.save(Payload(canary), file := canary.parent / "weights.pt")
    cfg = OmegaConf.load(run / "config.yaml")
    cfg.backbone.encoder[key] = {"file": str(file)} if key == "pretrained_cfg" else str(file)
    OmegaConf.save(cfg, run / "config.yaml")
    assert mtl.load(run).task_names == ("depth", "edge")
    assert not carried_out(canary)


@pytest.mark.parametrize(
    "save", [torch.save, lambda content, path: path.write_bytes(pickle.dumps(content))], ids=["zip", "pickle"]
)
@pytest.mark.parametrize(
    "content", [lambda payload: payload, lambda payload: {"model": {"weight": payload}}], ids=["bare", "model"]
)
def test_checkpoint_with_code_runs_nothing_in_any_loader(run, canary, run_script, save, content):
    for name in ("best.pt", "last.pt", "previous.pt"):
        save(content(Payload(canary)), run / name)
    refused(run, r"best\.pt is corrupt or not a checkpoint")
    network = build.build_model(cfg := build.compose(["subset=depth", "backbone=resnet_tiny"]), build.build_tasks(cfg))
    with pytest.raises(ValueError, match=r"best\.pt is corrupt or not a checkpoint"):
        load_singles([network], {"depth": run / "best.pt"})
    with pytest.raises(ValueError, match=r"last\.pt is corrupt .* train from the start with force=true"):
        load_last(run)
    (run / "none.png").write_bytes(b"")
    assert "best.pt is corrupt" in run_script("predict", f"run={run}", f"images={run}/none.png")[2]
    assert not carried_out(canary)


def test_record_that_names_code_is_only_read(tmp_path, canary):
    node = nodes(canary)["a module that is imported"]
    names = {"name": "uniform", "method": node}
    config = {group: {"name": "x", "node": [node, "${oc.env:HOME}"]} for group in ("dataset", "backbone", "recipe")}
    config |= {"model": {"name": "vanilla", "network": node}, "weighter": names, "subset": ["depth"]}
    evaluation = {"step": 1, "scores": {"depth": {"rmse": 1.0}}}
    record = {"config": config, "seed": 0, "best": evaluation, "last": evaluation, "mean_weights": {"depth": 1.0}}
    record |= {"metrics": {"depth": {"primary": "rmse", "higher_is_better": False, "preset": None}}, "steps": 1}
    record |= dict.fromkeys(("parameters", "step_seconds", "step_cpu_seconds", "peak_memory_mib"), 1.0)
    record |= {"command": f"touch {canary}; python train.py hydra.searchpath=[{tmp_path}]"}
    record |= {
        "environment": {"device": "cpu", "threads": 1, "commit": "0"},
        "gradient_statistics": {"scope": "x", "every": 0},
    }
    (folder := tmp_path / "runs" / "x-0" / "seed0").mkdir(parents=True)
    (folder / "record.json").write_text(json.dumps(record))
    runs = finished_runs(tmp_path)
    assert single_task_runs(runs, config, 0) == {"depth": runs[0]}
    assert len(our_scores([summary(runs)])) == 1
    assert OWN not in sys.modules
    assert not carried_out(canary)
