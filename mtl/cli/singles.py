"""Finds the single-task networks that a run is compared with, learns from or starts from."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from omegaconf import DictConfig

from mtl import build
from mtl.cli.settings import compose
from mtl.engine import distributed
from mtl.report.read.runs import (
    Run,
    finished_runs,
    judged_otherwise,
    single_task_runs,
    training_command,
    training_words,
)
from mtl.run.folder import held, is_held, wait_for

FORCE = "force=true"


def wait_for_singles(cfg: DictConfig, config: Mapping[str, Any], words: Sequence[str]) -> list[Run]:
    """The finished runs, after those of single-task networks that another process is training now.

    Args:
        cfg: The config.
        config: The part of it that affects the result.
        words: The words of train.py's command line.
    """
    runs, tasks = finished_runs(Path(cfg.results)), config["subset"]
    missing = [task for task in tasks if task not in single_task_runs(runs, config, cfg.seed)]
    if not missing or (len(tasks) == 1 and not build.needs_singles(cfg)):
        return runs
    # Composing takes a moment: only for tasks of which some single-task network is being trained.
    maybe = [task for task in missing if held(Path(cfg.results) / "runs", f"*_{task}-????????", cfg.seed)]
    singles = map(compose, (training_words(words, [task], cfg.seed, config) for task in maybe))
    if busy := [folder for folder in map(build.run_folder, singles) if is_held(folder)]:
        if distributed.rank() == 0:
            print(f"waits for {', '.join(map(str, busy))}: being trained elsewhere", flush=True)
        wait_for(busy)
    return finished_runs(Path(cfg.results))


def find_networks(
    cfg: DictConfig, config: Mapping[str, Any], runs: Sequence[Run], words: Sequence[str]
) -> dict[str, Path]:
    """Best checkpoints of the single-task networks, if the run needs their weights.

    Args:
        cfg: The config.
        config: The part of it that affects the result.
        runs: Finished runs.
        words: The words of train.py's command line.

    Raises:
        ValueError: One of them is missing.
    """
    if build.starts_from_singles(cfg):
        wants = f"model={cfg.model.name} without model.init=pretrained starts from"
        return checkpoints_of(cfg, config, runs, words, wants)
    if "alignment" in cfg.weighter:
        return checkpoints_of(cfg, config, runs, words, f"weighter={cfg.weighter.name} learns from")
    if build.watches(cfg):
        return checkpoints_of(cfg, config, runs, words, "feature_distance wants")
    return {}


def checkpoints_of(
    cfg: DictConfig, config: Mapping[str, Any], runs: Sequence[Run], words: Sequence[str], wants: str
) -> dict[str, Path]:
    """Best checkpoints of the single-task networks.

    Args:
        cfg: The config.
        config: The part of it that affects the result.
        runs: Finished runs.
        words: The words of train.py's command line.
        wants: What needs them, for the message.

    Raises:
        ValueError: One of them is missing.
    """
    singles = single_task_runs(runs, config, cfg.seed, judged_alike=False)
    found = {task: run.folder / "best.pt" for task, run in singles.items() if (run.folder / "best.pt").exists()}
    if missing := [task for task in config["subset"] if task not in found]:
        command = training_command(words, missing, cfg.seed, config)
        lack = f"there is none of {', '.join(missing)} with this dataset, backbone, recipe and seed"
        if gone := [task for task in missing if task in singles]:
            files = ", ".join(str(singles[task].folder / "best.pt") for task in gone)
            lack += f" (the network of {', '.join(gone)} was trained, but not kept: {files} is missing)"
            command += f" {FORCE} keep=best"
        raise ValueError(f"{wants} single-task networks, and {lack}; to train: {command}")
    return found


def find_baseline(
    cfg: DictConfig, config: Mapping[str, Any], runs: Sequence[Run], words: Sequence[str]
) -> dict[str, float] | None:
    """Primary metrics of the single-task networks; if some are not trained yet, prints how to train them.

    Args:
        cfg: The config.
        config: The part of it that affects the result.
        runs: Finished runs.
        words: The words of train.py's command line.
    """
    tasks = config["subset"]
    singles = single_task_runs(runs, config, cfg.seed)
    missing = [task for task in tasks if task not in singles]
    if not missing:
        return {task: singles[task].primary(task) for task in tasks}
    if len(tasks) > 1 and distributed.rank() == 0:
        presets = {task.name: task.metric.preset for task in build.build_tasks(cfg)}
        others = judged_otherwise(runs, config, cfg.seed, presets)
        mixed = "".join(
            f"; that of {task} is judged by {others[task]}, here by {presets[task]}, and presets do not mix"
            for task in missing
            if task in others
        )
        command = training_command(words, missing, cfg.seed, config)
        print(f"Delta_m stays empty: no single-task run of {', '.join(missing)}{mixed}; to train: {command}")
    return None
