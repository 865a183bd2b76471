"""Composes the config of a run, and reduces it to the part that affects the result."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import hydra
from hydra.utils import get_object
from omegaconf import DictConfig, OmegaConf

from mtl.build.validate import as_dict, closest, task_names
from mtl.build.workers import settle
from mtl.files import finite
from mtl.places import CONFIGS
from mtl.run.identity import digest

# Keys that affect where and how fast a run computes, but not its result, or only its rounding.
INCIDENTAL = (
    *("seed", "device", "processes", "deterministic", "threads", "workers", "keep", "force", "debug"),
    *("data", "results", "logging", "logger", "plan", "dataset.render_workers", "dataset.cache"),
)
# What a run is built from. Other keys of a group count only if one of these refers to them.
BUILT = {
    "dataset": ("name", "train", "val", "test", "operations", "tasks"),
    "backbone": ("name", "encoder", "head"),
    "model": ("name", "network", "coarse", "init"),
}


def compose(overrides: Sequence[str]) -> DictConfig:
    """The config that `python train.py` composes from the same overrides.

    Raises:
        ValueError: A value is invalid.
    """
    return settle(composed(overrides))


def composed(overrides: Sequence[str]) -> DictConfig:
    """The config of these overrides, with values that have not been checked."""
    with hydra.initialize_config_dir(version_base="1.3", config_dir=str(CONFIGS)):
        return hydra.compose("config", list(overrides))


def subset(cfg: DictConfig) -> list[str]:
    """Names of the tasks to train, in the order of the dataset's config.

    Raises:
        ValueError: The dataset does not have a task, or none is given.
    """
    wanted = [cfg.subset] if isinstance(cfg.subset, str) else list(cfg.subset)
    unknown = [name for name in wanted if name not in cfg.dataset.tasks]
    if unknown or not wanted:
        raise ValueError(
            f"subset={','.join(unknown) or '[]'}: {cfg.dataset.name} has the tasks {', '.join(cfg.dataset.tasks)}"
            f"{closest(unknown[0], cfg.dataset.tasks) if unknown else ''}"
        )
    return [name for name in cfg.dataset.tasks if name in wanted]


def science(cfg: DictConfig) -> dict[str, Any]:
    """The part of the resolved config that affects the result.

    It contains what the run is built from, for the tasks that it trains, with the `version` of every class whose
    version is above 1: a class raises its version when its numbers change on purpose. Operations on the dataset that
    do nothing are left out.
    """
    cfg = cfg.copy()
    OmegaConf.set_struct(cfg, False)
    for key in INCIDENTAL:
        OmegaConf.update(cfg, key, "", force_add=True)  # before resolving, because other keys refer to the folders
    tasks, known = subset(cfg), task_names(cfg)
    resolved = as_dict(cfg)
    config = {key: resolved[key] for key in ("recipe", "weighter")}
    config |= {
        group: {key: resolved[group][key] for key in keys if key in resolved[group]} for group, keys in BUILT.items()
    }
    dataset, recipe = config["dataset"], config["recipe"]
    operations = dataset.pop("operations", {})
    dataset["operations"] = {key: node for key, node in operations.items() if not idle(node)}
    if cfg.recipe.steps is None:
        dataset["epochs"] = resolved["dataset"]["epochs"]
    if recipe["micro_batches"] == 1:
        del recipe["accumulation"]
    if not recipe.get("compile"):
        recipe.pop("compile", None)
    if recipe["val_images"] is None:
        del recipe["val_images"]
    return {"subset": tasks, **with_versions(of_tasks(config, tasks, known))}


def data_key(cfg: DictConfig) -> str:
    """Hash of the images, labels and metrics of a config: scores with the same key are on the same scale."""
    return digest(science(cfg)["dataset"])


def of_tasks(node: Any, tasks: Sequence[str], known: set[str]) -> Any:
    """The node, in which mappings by task name are reduced to the given tasks.

    Args:
        node: Part of a resolved config.
        tasks: Names to keep.
        known: Names of all tasks.
    """
    if isinstance(node, list):
        return [of_tasks(item, tasks, known) for item in node]
    if not isinstance(node, Mapping):
        return node
    by_task = bool(node) and known.issuperset(node)
    return {key: of_tasks(value, tasks, known) for key, value in node.items() if not by_task or key in tasks}


def with_versions(node: Any) -> Any:
    """The node, with the version of every class in it whose version is above 1."""
    if isinstance(node, list):
        return [with_versions(item) for item in node]
    if not isinstance(node, Mapping):
        return node
    version = getattr(target(node), "version", 1)
    own = {"version": version} if isinstance(version, int) and version > 1 else {}
    return {key: with_versions(value) for key, value in node.items()} | own


def idle(node: Mapping[str, Any]) -> bool:
    """Whether an operation leaves the dataset unchanged, according to its class."""
    asked = getattr(target(node), "idle", None)
    return asked is not None and asked(node)


def target(node: Mapping[str, Any]) -> Any:
    """The class that a node names; None if there is none or it cannot be found."""
    try:
        return get_object(node["_target_"]) if "_target_" in node else None
    except Exception:
        return None


def run_folder(cfg: DictConfig) -> Path:
    """Folder of the run; two configs share one if and only if they give the same result.

    Raises:
        ValueError: The config is invalid, so no folder must be created for it.
    """
    config = science(cfg)
    for key, reason in finite(config)[1].items():
        raise ValueError(f"{key} is {reason.partition(':')[0]}: use a finite number")
    names = [config[group]["name"] for group in ("dataset", "backbone", "model", "weighter")]
    name = "_".join([*names, "-".join(config["subset"])])
    return Path(cfg.results) / "runs" / f"{name}-{digest(config)}" / f"seed{cfg.seed}"


def applied(cfg: DictConfig) -> dict[str, Any]:
    """How `backward` applies the weighter: those of scope, scale and heads that its config has."""
    return {key: cfg.weighter[key] for key in ("scope", "scale", "heads") if key in cfg.weighter}


def needs_singles(cfg: DictConfig) -> bool:
    """Whether the run needs the weights of single-task networks: to start or to learn from, or for a distance."""
    return starts_from_singles(cfg) or "alignment" in cfg.weighter or watches(cfg)


def starts_from_singles(cfg: DictConfig) -> bool:
    """Whether the network starts from the weights of trained single-task networks."""
    return cfg.model.get("init") == "single_task"


def watches(cfg: DictConfig) -> bool:
    """Whether the run measures the distance of its features from those of single-task networks.

    It then needs the weights of these networks. A single-task run measures nothing.
    """
    return cfg.logging.feature_distance and len(subset(cfg)) > 1
