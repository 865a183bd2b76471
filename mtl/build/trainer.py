"""Builds the trainer of a run from the config, before its first batch."""

import inspect
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any, cast

import torch
from hydra.utils import instantiate
from omegaconf import DictConfig
from torch.optim import Optimizer
from torch.utils.data import DataLoader

from mtl.build.config import applied, as_dict, watches
from mtl.build.data import build_loader, build_training_loaders
from mtl.build.distillation import build_distillation
from mtl.build.model import build_alignment, build_model, build_tasks, build_weighter, by_task, start_from_singles
from mtl.build.validate import closest
from mtl.engine import distributed
from mtl.engine.accumulation import Accumulation
from mtl.engine.compiled import compile_regions
from mtl.engine.evaluator import Evaluator
from mtl.engine.lookahead import Lookahead
from mtl.engine.progress import Plan
from mtl.engine.rotations import RotationLearner
from mtl.engine.schedules import PolySchedule
from mtl.engine.sharpness import Sharpness
from mtl.engine.trainer import Trainer
from mtl.models.base import MultiTaskModel
from mtl.run.clock import Clock
from mtl.run.device import choose_device, choose_kernels
from mtl.run.state import seed_everything
from mtl.task import Task
from mtl.weighters.base import Needs, Scope, Weighter


def build_evaluator(cfg: DictConfig, split: str, tasks: list[Task], device: torch.device) -> Evaluator:
    """The evaluator of a split."""
    return Evaluator(tasks, build_loader(cfg, split, tasks), device)


def speed_up(model: MultiTaskModel, cfg: DictConfig, device: torch.device) -> None:
    """Chooses what is faster on the device: the layout that tensor cores read, and compiled regions."""
    if device.type == "cuda" and cfg.recipe.precision != "float32":
        model.layout = torch.channels_last
    if cfg.recipe.get("compile"):
        compile_regions(model)


def build_optimizer(cfg: DictConfig, groups: list[dict[str, Any]], device: torch.device) -> Optimizer:
    """The optimizer; on a GPU with one kernel for all parameters, if it has one."""
    make = instantiate(cfg.recipe.optimizer, _partial_=True)
    fused = device.type == "cuda" and "fused" in inspect.signature(make.func).parameters
    return make(groups, **{"fused": True} | make.keywords) if fused else make(groups)


def build_sharpness(cfg: DictConfig) -> Sharpness | None:
    """Settings of flat minima; None if the run has none.

    Raises:
        ValueError: The run also has what they do not work with.
    """
    if "sharpness" not in cfg.weighter:
        return None
    if {"alignment", "rotation", "distil"} & set(cfg.weighter):
        raise ValueError("sharpness does not work with teachers or rotations: use another weighter, or no sharpness")
    if cfg.recipe.micro_batches > 1 and cfg.recipe.accumulation == "first":
        raise ValueError("recipe.accumulation=first does not work with sharpness: use exact")
    return Sharpness(**cfg.weighter.sharpness)


def build_lookahead(
    cfg: DictConfig, weighter: Weighter, tasks: list[Task], held_out: DataLoader | None
) -> Lookahead | None:
    """Settings of a look ahead, for a weighter that learns from held-out batches; None for any other weighter.

    Raises:
        ValueError: It is not in the config of such a weighter, or in that of another, or does not work with the run.
    """
    name = cfg.weighter.name
    if weighter.looks_ahead != (held_out is not None):
        wanted = "needs" if weighter.looks_ahead else "does not have"
        raise ValueError(f"weighter={name} {wanted} weighter.lookahead")
    if held_out is None:
        return None
    if {"alignment", "rotation", "sharpness"} & set(cfg.weighter):
        raise ValueError(f"weighter={name} does not work with teachers, rotations or sharpness: use one of them")
    if len(tasks) == 1:
        raise ValueError(f"weighter={name} needs two or more tasks: with one its weight is the learning rate")
    primary, known = cfg.weighter.lookahead.primary, cfg.dataset.tasks
    if isinstance(primary, Mapping) and (wrong := set(primary) - set(known)):
        name = min(wrong)
        raise ValueError(f"weighter.lookahead.primary has {name}: use {', '.join(known)}{closest(name, known)}")
    factors: list[float] = by_task(cfg, "lookahead", tasks).get("primary") or [cast("float", primary)] * len(tasks)
    if not any(factors):
        raise ValueError("weighter.lookahead.primary is 0 for every task of the run: use 1 for at least one")
    return Lookahead(held_out, factors)


def with_rate(cfg: DictConfig, group: dict[str, Any]) -> dict[str, Any]:
    """A group of the optimizer with its learning rate, if that is not the recipe's."""
    factor = group.pop("lr_factor")
    return group if factor == 1 else group | {"lr": factor * cfg.recipe.optimizer.lr}


def check_shared_encoder(cfg: DictConfig, model: MultiTaskModel, weighter: Weighter) -> None:
    """Checks that a network whose tasks share no encoder is not asked for what only an encoder has.

    Raises:
        ValueError: The weighter or the statistics take gradients there, or a method works on its features.
    """
    if model.last_layer is not None:
        return
    if watches(cfg) or {"alignment", "rotation", "distil"} & set(cfg.weighter):
        key = "logging.feature_distance=true" if watches(cfg) else f"weighter={cfg.weighter.name}"
        key = "distil" if "distil" in cfg.weighter else key
        raise ValueError(f"{key} needs the features of a shared encoder, which model={cfg.model.name} does not have")
    statistics = cfg.logging.gradient_statistics
    scopes = {"logging.gradient_statistics.scope": statistics.scope} if statistics.every else {}
    if weighter.needs is not Needs.LOSSES:
        scopes["weighter.scope"] = applied(cfg).get("scope", Scope.SHARED.value)
    for key, scope in scopes.items():
        if scope != Scope.SHARED.value:
            raise ValueError(
                f"{key}={scope}: in model={cfg.model.name} tasks share no encoder, so that task gradients exist at "
                f"scope shared only: use {key}=shared"
            )


def build_trainer(
    cfg: DictConfig,
    folder: Path,
    baseline: Mapping[str, float] | None = None,
    checkpoints: Mapping[str, Path] | None = None,
    clock: Clock | None = None,
) -> Trainer:
    """Builds everything a run needs, before its first batch.

    Args:
        cfg: The composed config.
        folder: The run folder.
        baseline: Primary metric of each task's single-task network, if known.
        checkpoints: Checkpoint of each task's single-task network, if the run needs their weights.
        clock: The clock of the run; None: a new one.
    """
    if cfg.threads is not None:
        torch.set_num_threads(cfg.threads)
    device = choose_device(cfg.device)
    choose_kernels(cfg.deterministic, cfg.recipe.precision, device)
    tasks = build_tasks(cfg)
    loader, held_out = build_training_loaders(cfg, tasks)
    evaluator = build_evaluator(cfg, "val", tasks, device)

    seed_everything(cfg.seed)
    model = build_model(cfg, tasks).to(device)
    for first in (loader.dataset[0, 0], evaluator.loader.dataset[0]):
        batch: Any = loader.collate_fn([first])
        model.backbone.check_size(batch["image"])
    weighter = build_weighter(cfg, tasks).to(device)
    Accumulation(
        weighter, cfg.recipe.micro_batches, cfg.recipe.accumulation, **applied(cfg)
    )  # raises on invalid combinations
    sharpness, lookahead = build_sharpness(cfg), build_lookahead(cfg, weighter, tasks, held_out)
    if distributed.world_size() > 1 and device.type == "cuda":
        model = cast("MultiTaskModel", torch.nn.SyncBatchNorm.convert_sync_batchnorm(model))
    speed_up(model, cfg, device)
    check_shared_encoder(cfg, model, weighter)
    start_from_singles(cfg, tasks, model, checkpoints or {})
    groups: list[dict[str, Any]] = [with_rate(cfg, group) for group in model.parameter_groups()]
    if own := list(weighter.parameters()):
        groups.append({"params": own, "weight_decay": 0.0})
    optimizer = build_optimizer(cfg, groups, device)

    rotations = None
    if model.rotation is not None:
        rotations = RotationLearner(cast(Any, model.rotation), optimizer, cfg.weighter.rotation_lr).to(device)

    steps = cfg.recipe.steps or cfg.dataset.epochs * len(loader)
    every = {"epoch": len(loader), "end": steps}.get(cfg.recipe.evaluate, cfg.recipe.evaluate)
    if not isinstance(every, int) or every < 1:
        raise ValueError(f"recipe.evaluate must be epoch, end or a number of steps, got {every!r}")
    distance = partial(build_alignment, cfg, tasks, model, checkpoints=checkpoints or {})
    statistics = cfg.logging.gradient_statistics
    about = {"folder": folder, "name": f"{folder.parent.name}/{folder.name}", "steps": steps, "config": as_dict(cfg)}
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
        rotations=rotations,
        sharpness=sharpness,
        lookahead=lookahead,
        watch=distance(steps=steps * cfg.recipe.micro_batches) if watches(cfg) else None,
        distillation=build_distillation(cfg, model, steps),
        clock=clock,
    )
