"""From a composed config to the objects of a run; beside `mtl.cli` the only module that knows Hydra."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import hydra
import torch
from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf

from mtl.build_data import build_dataset
from mtl.build_model import (
    CONFIGS,
    build_alignment,
    build_model,
    build_tasks,
    build_weighter,
    subset,
)
from mtl.data.loader import make_loader
from mtl.engine import distributed
from mtl.engine.accumulation import Accumulation
from mtl.engine.device import choose_device
from mtl.engine.evaluator import Evaluator
from mtl.engine.plan import Plan
from mtl.engine.schedules import PolySchedule
from mtl.engine.seed import seed_everything
from mtl.engine.trainer import Trainer
from mtl.files import finite
from mtl.task import Task
from mtl.validate import or_null, validate

# Keys that change where and how fast a run runs, but not what comes out of it.
INCIDENTAL = (
    *("seed", "device", "threads", "workers", "force", "debug", "data", "results", "logging", "logger", "plan"),
    *("dataset.render_workers", "dataset.cache"),
)


def compose(overrides: Sequence[str]) -> DictConfig:
    """The config that `python train.py` gets from the same words."""
    with hydra.initialize_config_dir(version_base="1.3", config_dir=str(CONFIGS)):
        return hydra.compose("config", list(overrides))


def science(cfg: DictConfig) -> dict[str, Any]:
    """The resolved config without what does not change the result."""
    cfg = cfg.copy()
    OmegaConf.set_struct(cfg, False)
    for key in INCIDENTAL:
        OmegaConf.update(cfg, key, "", force_add=True)  # before it is resolved: other keys quote the folders
    cfg.subset = subset(cfg)
    config = OmegaConf.to_container(cfg, resolve=True)
    return {key: value for key, value in config.items() if key not in INCIDENTAL}


def run_folder(cfg: DictConfig) -> Path:
    """Folder of the run: equal configs share one, whatever the date; different configs never do.

    Raises:
        ValueError: No run can have this config; it shall leave no folder behind.
    """
    validate(cfg)
    config = science(cfg)
    for key, reason in finite(config)[1].items():
        raise ValueError(f"{key} is {reason.partition(':')[0]}: use a finite number{or_null(key)}")
    digest = hashlib.sha256(json.dumps(config, sort_keys=True, allow_nan=False).encode()).hexdigest()[:8]
    names = [config[group]["name"] for group in ("dataset", "backbone", "model", "weighter")]
    return Path(cfg.results) / "runs" / f"{'_'.join([*names, '-'.join(config['subset'])])}-{digest}" / f"seed{cfg.seed}"


def applied(cfg: DictConfig) -> dict[str, str]:
    """How `backward` applies the weighter: scope, scale and heads, as far as it has them."""
    return {key: cfg.weighter[key] for key in ("scope", "scale", "heads") if key in cfg.weighter}


def share_of_batch(batch_size: int, world_size: int, micro_batches: int = 1) -> int:
    """Images per process of a batch that is counted over all processes.

    Raises:
        ValueError: The processes and their micro-batches cannot share it equally.
    """
    if batch_size % (world_size * micro_batches):
        parts = (
            f"{micro_batches} micro-batches of {world_size} processes"
            if micro_batches > 1
            else f"{world_size} processes"
        )
        raise ValueError(f"recipe.batch_size={batch_size} does not divide into {parts}")
    return batch_size // world_size


def loading(cfg: DictConfig, tasks: Sequence[Task]) -> dict[str, Any]:
    """What loaders of all splits are told."""
    return {
        "batch_size": share_of_batch(cfg.recipe.batch_size, distributed.world_size(), cfg.recipe.micro_batches),
        "workers": cfg.workers,
        "seed": cfg.seed,
        "rank": distributed.rank(),
        "world_size": distributed.world_size(),
        "limits": {task.name: max(task.channels, 2) for task in tasks},  # one logit tells two classes apart
    }


def build_evaluator(cfg: DictConfig, split: str, tasks: list[Task], device: torch.device) -> Evaluator:
    """What scores a network on a split."""
    dataset = build_dataset(cfg, split, [task.name for task in tasks], science(cfg))
    return Evaluator(tasks, make_loader(dataset, train=False, **loading(cfg, tasks)), device)


def watches(cfg: DictConfig) -> bool:
    """Whether the run notes how far its features are from those of single-task networks, of which it needs the weights.

    A single-task network has none but itself to be far from.
    """
    return cfg.logging.feature_distance and len(subset(cfg)) > 1


def build_trainer(
    cfg: DictConfig,
    folder: Path,
    baseline: Mapping[str, float] | None = None,
    checkpoints: Mapping[str, Path] | None = None,
) -> Trainer:
    """Everything a run needs, built before its first batch.

    Args:
        cfg: The composed config.
        folder: The run folder.
        baseline: Primary metric of each task's single-task network, if known.
        checkpoints: Weights of each task's single-task network, where the run learns from them.
    """
    if cfg.threads is not None:
        torch.set_num_threads(cfg.threads)
    device = choose_device(cfg.device)
    tasks = build_tasks(cfg)
    names = [task.name for task in tasks]
    loader = make_loader(build_dataset(cfg, "train", names, science(cfg)), train=True, **loading(cfg, tasks))
    evaluator = build_evaluator(cfg, "val", tasks, device)

    seed_everything(cfg.seed)
    model = build_model(cfg, tasks).to(device)
    for first in (loader.dataset[0, 0], evaluator.loader.dataset[0]):
        model.backbone.check_size(loader.collate_fn([first])["image"])
    weighter = build_weighter(cfg, tasks).to(device)
    Accumulation(weighter, cfg.recipe.micro_batches, cfg.recipe.accumulation, **applied(cfg))  # refuses what cannot be
    if distributed.world_size() > 1 and device.type == "cuda":
        model = torch.nn.SyncBatchNorm.convert_sync_batchnorm(model)
    groups = [{"params": list(model.parameters())}]
    if own := list(weighter.parameters()):
        groups.append({"params": own, "weight_decay": 0.0})
    optimizer = instantiate(cfg.recipe.optimizer, _partial_=True)(groups)

    steps = cfg.recipe.steps or cfg.dataset.epochs * len(loader)
    every = {"epoch": len(loader), "end": steps}.get(cfg.recipe.evaluate, cfg.recipe.evaluate)
    if not isinstance(every, int) or every < 1:
        raise ValueError(f"recipe.evaluate must be epoch, end or a number of steps, got {every!r}")
    distance = partial(build_alignment, cfg, tasks, model, checkpoints=checkpoints or {})
    statistics = cfg.logging.gradient_statistics
    config, own = OmegaConf.to_container(cfg, resolve=True), run_folder(cfg)
    about = {"folder": folder, "name": f"{own.parent.name}/{own.name}", "steps": steps, "config": config}
    chosen = [logger for logger in cfg.logger.values() if logger and distributed.rank() == 0]
    loggers = [instantiate(logger, _partial_=True)(**about) for logger in chosen]
    return Trainer(
        model=model,
        tasks=tasks,
        weighter=weighter,
        applied=applied(cfg),
        optimizer=optimizer,
        schedule=PolySchedule(
            optimizer, power=cfg.recipe.power, per=cfg.recipe.schedule, steps=steps, steps_per_epoch=len(loader)
        ),
        loader=loader,
        evaluator=evaluator,
        loggers=loggers,
        folder=folder,
        device=device,
        plan=Plan(
            steps=steps,
            evaluate_every=every,
            clip=cfg.recipe.clip,
            on_nonfinite=cfg.recipe.on_nonfinite,
            precision=cfg.recipe.precision,
            micro_batches=cfg.recipe.micro_batches,
            accumulation=cfg.recipe.accumulation,
            checkpoint_minutes=cfg.logging.checkpoint_minutes,
            statistics_scope=statistics.scope,
            statistics_every=statistics.every,
        ),
        baseline=baseline,
        alignment=distance(steps=steps) if "alignment" in cfg.weighter else None,
        watch=distance(steps=steps * cfg.recipe.micro_batches) if watches(cfg) else None,
    )
