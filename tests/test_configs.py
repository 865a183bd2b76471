"""Every file of every config group composes and builds on the CPU."""

from functools import cache
from pathlib import Path

import pytest
import torch
from hydra.utils import get_class
from omegaconf import DictConfig
from omegaconf.errors import ConfigAttributeError

from mtl import build
from mtl.build.validate import node_errors, task_names
from mtl.run.device import choose_device
from mtl.weighters import AvgNorm, Fixed

CONFIGS = Path(__file__).parent.parent / "configs"
FILES = sorted(path.relative_to(CONFIGS) for path in CONFIGS.rglob("*.yaml") if path.parent != CONFIGS)
GRID = ["dataset.height=64", "dataset.width=128"]
ALSO = {"atrc_pascal": ["dataset=rooms_pascal"]}  # words that a file needs besides
ALSO |= dict.fromkeys(("taskprompter", "taskprompter_nyud", "taskprompter_pascal"), GRID)
EXTRA = {"ray_gpu": "hydra_plugins.hydra_ray_launcher"}  # launchers of packages that only those who use them install


def choice(path: Path) -> list[str]:
    """The words that put the file into the run."""
    if path.parts[0] == "hydra":
        return [f"{path.parent}={path.stem}"]
    group, name = path.parts[0], "/".join(path.parts[1:]).removesuffix(".yaml")
    return [f"subset={name}"] if group == "task" else [f"{group}={name}"]


@cache
def composed(path: Path) -> DictConfig:
    """The run with the file, untrained."""
    return build.compose([*choice(path), *ALSO.get(path.stem, []), "backbone.pretrained=false"])


def test_no_file_is_overlooked():
    assert len(FILES) >= 30
    assert {path.parts[0] for path in FILES} == {p.name for p in CONFIGS.iterdir() if p.is_dir()}


@pytest.mark.parametrize("path", [path for path in FILES if path.stem not in EXTRA], ids=str)
def test_file_composes_and_builds(path):
    cfg = composed(path)
    tasks = build.build_tasks(cfg)
    real = path.parts[0] in ("backbone", "model") and not path.stem.startswith(
        ("vit_base", "taskprompter_")
    )  # 110 M parameters
    with torch.device("cpu" if real else "meta"):
        model = build.build_model(cfg, tasks)
    build.build_weighter(cfg, tasks)
    assert sum(p.numel() for p in model.parameters()) > 10_000
    covered = [id(p) for p in [*model.shared_parameters(), *model.joint_parameters()]]
    for task in tasks:
        covered += [id(p) for p in model.task_parameters(task.name)]
    assert sorted(covered) == sorted(id(p) for p in model.parameters())


@pytest.mark.parametrize("dataset", [path for path in FILES if path.parts[0] == "dataset"], ids=str)
def test_values_of_every_weighter_fit_every_dataset(dataset):
    """Also numbers by task, where a dataset lacks some of the tasks."""
    for path in [path for path in FILES if path.parts[0] == "weighter"]:
        cfg = composed(path).copy()
        cfg.dataset = composed(dataset).dataset
        node = build.as_dict(cfg)["weighter"]
        assert list(node_errors(node, ("weighter",), task_names(cfg))) == [], path


@pytest.mark.parametrize(
    "path", [p for p in FILES if p.parts[0] not in ("experiment", "hydra", "logger", "sharpness", "distil")], ids=str
)
def test_name_in_the_file_is_the_word_on_the_command_line(path):
    cfg = composed(path)
    node = cfg.dataset.tasks[path.stem] if path.parts[0] == "task" else cfg[path.parts[0]]
    assert node.name == path.stem


@pytest.mark.parametrize("path", FILES, ids=str)
def test_file_begins_with_what_it_is(path):
    text = (CONFIGS / path).read_text()
    assert "#" in "".join(text.splitlines()[:2]) or path.parts[0] == "task"


@pytest.mark.parametrize("path", [p for p in FILES if p.parts[0] == "weighter"], ids=str)
def test_weighter_has_a_test_of_its_name(path):
    assert (Path(__file__).parent / f"weighters/test_{path.stem}.py").exists()


@pytest.mark.parametrize("path", [path for path in FILES if path.parts[0] == "logger"], ids=str)
def test_a_word_adds_its_logger_to_those_that_are_always_on(path):
    assert set(composed(path).logger) == {"console", "csv", path.stem}
    assert set(build.compose([]).logger) == {"console", "csv", "tensorboard"}


def test_wrong_key_is_refused_by_name():
    with pytest.raises(ConfigAttributeError, match="lerning_rate"):
        _ = build.compose(["dataset=rooms"]).recipe.lerning_rate


def test_tasks_come_in_the_order_that_holds_everywhere():
    cfg = build.compose(["subset=[edge,semseg]"])
    assert [task.name for task in build.build_tasks(cfg)] == ["semseg", "edge"]
    assert build.subset(build.compose([])) == ["semseg", "depth", "normals", "edge"]


def test_unknown_task_is_refused_by_name():
    with pytest.raises(ValueError, match=r"subset=height: rooms has the tasks semseg, human_parts"):
        build.subset(build.compose(["subset=[depth,height]"]))


def test_weights_given_by_name_follow_the_tasks():
    cfg = build.compose(["weighter=grid_search", "subset=[edge,normals]", "dataset.grid_weights.edge=7"])
    weighter = build.build_weighter(cfg, build.build_tasks(cfg))
    assert isinstance(weighter, Fixed)
    assert weighter(torch.ones(2)).weights.tolist() == [2, 7]


def test_missing_weight_is_refused_by_name():
    cfg = build.compose(["weighter=grid_search", "~dataset.grid_weights.edge"])
    with pytest.raises(ValueError, match="no number for edge"):
        build.build_weighter(cfg, build.build_tasks(cfg))


def test_scope_is_a_word_on_the_command_line():
    cfg = build.compose(["weighter=avgnorm", "weighter.scope=features"])
    assert isinstance(build.build_weighter(cfg, build.build_tasks(cfg)), AvgNorm)
    assert cfg.weighter.scope == "features"


def test_dataset_brings_its_edge_protocol_and_the_command_line_wins():
    assert build.compose([]).protocol.name == "rooms"
    cfg = build.compose(["dataset=rooms", "protocol=sak", "protocol.nms=2"])
    metric = build.build_tasks(cfg)[3].metric
    assert (metric.preset, metric.protocol.nms) == ("sak", 2)


def test_folder_depends_on_the_science_alone():
    plain = build.run_folder(build.compose(["seed=1"]))
    assert plain.name == "seed1"
    assert plain.parent.name.startswith("rooms_resnet18_vanilla_uniform_semseg-depth-normals-edge-")
    same = ["threads=1", "workers=2", "data=/elsewhere", "device=cpu", "logger=[csv,wandb]", "seed=1"]
    same += ["dataset.cache=auto", "deterministic=true"]
    assert build.run_folder(build.compose(same)) == plain
    others = ("recipe.optimizer.lr=1e-3", "weighter=avgnorm", "subset=depth", "dataset.train.scenes=7")
    worse = ("dataset.sampling=half_scans", "dataset.noise=pixel")
    for other in (*others, *worse):
        assert build.run_folder(build.compose([other, "seed=1"])) != plain


def test_batch_that_processes_cannot_share_is_refused():
    assert build.share_of_batch(6, 3) == 2
    with pytest.raises(ValueError, match="batch_size=6 does not divide into 4"):
        build.share_of_batch(6, 4)


def test_missing_gpu_is_named():
    if torch.cuda.is_available():
        assert choose_device("auto").type == "cuda"
    else:
        assert choose_device("auto").type == "cpu"
        with pytest.raises(ValueError, match="device=cuda:1"):
            choose_device("cuda:1")


def test_gpu_beyond_those_there_are_is_refused(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert choose_device("cuda:1") == torch.device("cuda:1")
    with pytest.raises(ValueError, match=r"device=cuda:2, but torch sees 2 GPU\(s\): use device=cuda:1 or less"):
        choose_device("cuda:2")


@pytest.mark.parametrize("name", ["nyud", "pascal_context", "replica", "camvid"])
def test_a_dataset_has_a_name_for_every_class(name):
    cfg = build.compose([f"dataset={name}"])
    for task, names in get_class(cfg.dataset.train._target_).class_names.items():
        assert len(set(names)) == len(names) == cfg.dataset.tasks[task].channels


def test_numbers_of_the_datasets_are_those_of_the_paper():
    nyud, pascal = (build.compose([f"dataset={name}"]).dataset for name in ("nyud", "pascal_context"))
    assert (nyud.epochs, nyud.height, nyud.width, nyud.train.images, nyud.val.images) == (100, 448, 576, 795, 654)
    assert (pascal.epochs, pascal.height, pascal.width) == (60, 512, 512)
    assert (pascal.train.images, pascal.val.images) == (4998, 5105)
    assert dict(nyud.grid_weights) == {"semseg": 1, "depth": 1, "normals": 2, "edge": 50}
    assert dict(pascal.grid_weights) == {"semseg": 1, "human_parts": 2, "normals": 5, "saliency": 5, "edge": 50}
    assert (nyud.tasks.edge.metric.max_distance, pascal.tasks.edge.metric.max_distance) == (0.011, 0.0075)
