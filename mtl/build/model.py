"""Builds the network, its tasks and its weighter from the config."""

import logging
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from hydra.errors import InstantiationException
from hydra.utils import get_class, instantiate
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from mtl.build.config import CONFIGS, starts_from_singles, subset
from mtl.build.trusted import read_config
from mtl.engine.teachers import Teachers, load_singles
from mtl.models.base import MultiTaskModel
from mtl.task import Task
from mtl.weighters.base import Weighter

log = logging.getLogger(__name__)

MISFIT = (TypeError, ValueError, AttributeError, LookupError, RuntimeError)  # of a class that gets other arguments


def build_tasks(cfg: DictConfig) -> list[Task]:
    """The tasks of the run, in their order, with the coarse labels that the model's config gives them."""
    coarse = cfg.model.get("coarse", {})
    added = {name: {"coarse": instantiate(coarse[name])} for name in subset(cfg) if name in coarse}
    return [instantiate(cfg.dataset.tasks[name], **added.get(name, {})) for name in subset(cfg)]


def build_model(cfg: DictConfig, tasks: list[Task]) -> MultiTaskModel:
    """The network with its encoder and heads."""
    backbone, head = instantiate(cfg.backbone.encoder), instantiate(cfg.backbone.head, _partial_=True)
    model = instantiate(cfg.model.network, _partial_=True)(tasks=tasks, backbone=backbone, head=head)
    if (rotation := OmegaConf.select(cfg, "weighter.rotation")) is not None:
        model.rotation = instantiate(rotation, num_tasks=len(tasks), channels=backbone.channels)
    return model


def rebuild(
    path: Path, trust: str | Sequence[str] = ()
) -> tuple[MultiTaskModel, Callable[[dict], dict], Mapping[str, Sequence[str]]]:
    """Builds the network of a finished run from the config in its folder.

    Args:
        path: The config.
        trust: Packages besides ours whose classes it may name.

    Returns:
        The network without trained weights, the transform of evaluated images, and the class names by task.

    Raises:
        ValueError: The config names other code, or was written by a version of this code with different keys.
    """
    cfg = read_config(path, trust)
    try:
        tasks = build_tasks(cfg)
        network, transform = build_model(cfg, tasks), instantiate(cfg.dataset.val.transform)
        return network, transform, class_names(cfg, tasks)
    except (InstantiationException, OmegaConfBaseException, *MISFIT) as error:
        reason = " ".join(str(error.__cause__ or error).split())
        raise ValueError(
            f"{path} was written by a different version of this code ({reason}): train the run again"
        ) from error


def class_names(cfg: DictConfig, tasks: Sequence[Task]) -> dict[str, Sequence[str]]:
    """Names of the classes by task; none where the config gives the task another number of classes."""
    known = get_class(cfg.dataset.val._target_).class_names
    fitting = {}
    for task in tasks:
        names = known.get(task.name, ())
        if len(names) == task.channels:
            fitting[task.name] = names
        elif names:
            log.warning(
                "the %d classes of %s have no names: %s has %d", task.channels, task.name, cfg.dataset.name, len(names)
            )
    return fitting


def build_weighter(cfg: DictConfig, tasks: list[Task]) -> Weighter:
    """The weighter.

    Raises:
        ValueError: It needs KPIs, and a task defines none.
    """
    weighter = instantiate(cfg.weighter.method, _partial_=True)(num_tasks=len(tasks), **by_task(cfg, "method", tasks))
    missing = [task.name for task in tasks if task.label is None or task.label.kpi is None]
    if weighter.judges and missing:
        raise ValueError(f"weighter={cfg.weighter.name} needs a KPI: define kpi in the label of {', '.join(missing)}")
    return weighter


def by_task(cfg: DictConfig, node: str, tasks: list[Task]) -> dict[str, list[float]]:
    """Hyper-parameters that a node of the weighter's config gives by task name, as lists in task order.

    Raises:
        ValueError: The number of a task is missing.
    """
    ordered = {}
    for key, value in cfg.weighter[node].items():
        if isinstance(value, Mapping) and set(value) & set(cfg.dataset.tasks):  # other mappings stay mappings
            missing = [task.name for task in tasks if task.name not in value]
            if missing:
                raise ValueError(f"weighter.{node}.{key} has no number for {', '.join(missing)}: it has {dict(value)}")
            ordered[key] = [value[task.name] for task in tasks]
    return ordered


def build_alignment(
    cfg: DictConfig, tasks: list[Task], model: MultiTaskModel, steps: int, checkpoints: Mapping[str, Path]
) -> Any:
    """The distance of the model's features from those of vanilla single-task networks.

    Its settings are those of the weighter, or of URL if the weighter has none. Creating it leaves the random state
    unchanged, so that measuring the distance does not affect a run.
    """
    plain, device = cfg.copy(), model.device
    if "alignment" not in plain.weighter:
        plain.weighter = OmegaConf.load(CONFIGS / "weighter/url.yaml")
    with torch.random.fork_rng([device] if device.type == "cuda" else []):
        teachers = Teachers(single_task_networks(plain, tasks, checkpoints, device))
        known = {"channels": model.backbone.channels, "teachers": teachers, "steps": steps}
        known |= by_task(plain, "alignment", tasks)
        return instantiate(plain.weighter.alignment, _partial_=True)(**known).to(device)


def start_from_singles(
    cfg: DictConfig, tasks: list[Task], model: MultiTaskModel, checkpoints: Mapping[str, Path]
) -> None:
    """Gives the network the weights of trained single-task networks, if its config says so.

    Raises:
        ValueError: The network cannot start from them; a checkpoint is missing or corrupt, or of another network.
    """
    if starts_from_singles(cfg):
        with torch.random.fork_rng([model.device] if model.device.type == "cuda" else []):
            model.start_from(single_task_networks(cfg, tasks, checkpoints, model.device))


def single_task_networks(
    cfg: DictConfig, tasks: list[Task], checkpoints: Mapping[str, Path], device: torch.device
) -> list[MultiTaskModel]:
    """The trained vanilla single-task network of every task, in the order of the tasks.

    Args:
        cfg: A config with their dataset and backbone.
        tasks: The tasks.
        checkpoints: Checkpoint of each task's network.
        device: Where they are needed.

    Raises:
        ValueError: A checkpoint is missing or corrupt, belongs to a different network, or contains NaN.
    """
    plain = cfg.copy()
    plain.model, plain.backbone.pretrained = OmegaConf.load(CONFIGS / "model/vanilla.yaml"), False
    networks = [build_model(plain, [task]).to(device) for task in tasks]
    load_singles(networks, checkpoints)
    return networks
