"""Trains, evaluates and records a run; resumes a run that was killed, and skips one that has finished."""

import shlex
import sys
from collections.abc import Mapping
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import Any

from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig, OmegaConf

from mtl import build
from mtl.cli.singles import FORCE, Singles
from mtl.engine import distributed
from mtl.files import read_json, warn, write_json, write_whole
from mtl.places import as_called
from mtl.report.read.runs import Run, committed_run, differing, read_record
from mtl.run import code
from mtl.run.checkpoint import keep_weights, load_checkpoint
from mtl.run.clock import Clock
from mtl.run.device import choose_device
from mtl.run.folder import earlier_times, lock, set_aside, tidy
from mtl.run.interrupt import STOPPED
from mtl.run.processes import run_processes
from mtl.run.record import environment, environments, metrics_of

NOT_RECORDED = ("force", "workers")  # words that change nothing in a run that is repeated


def train(cfg: DictConfig) -> None:
    """Trains the run of a config, unless it has finished here or elsewhere."""
    folder = build.run_folder(build.settle(cfg))
    if not cfg.force and finished_elsewhere(folder):
        return
    config = build.science(cfg)
    if cfg.processes > 1 and not distributed.started():
        split(cfg, folder)
        return
    distributed.start(choose_device(cfg.device))
    with lock(folder) if distributed.rank() == 0 else nullcontext():
        prepare(folder, config, cfg.force)
        if not finished(folder):
            train_in(folder, cfg, config)
    distributed.stop()


def split(cfg: DictConfig, folder: Path) -> None:
    """Trains the run in several processes.

    Raises:
        ValueError: It failed, or another process is training it.
    """
    if not cfg.force and finished(folder):
        return
    lock(folder).release()
    words = [*command_line(), f"workers={cfg.workers}"]
    code, line = run_processes("mtl.cli.start", words, cfg.processes, partial(print, file=sys.stderr, flush=True))
    if code in STOPPED:
        raise SystemExit(code)
    if code:
        raise ValueError(line or f"{folder}: one of {cfg.processes} processes ended with exit code {code}, see above")


def finished(folder: Path) -> bool:
    """Whether the run has finished, which it prints.

    Raises:
        ValueError: Its record is damaged.
    """
    if not (folder / "record.json").exists():
        return False
    read_record(folder / "record.json")
    print(f"{folder}: already finished, not trained again")
    return True


def finished_elsewhere(folder: Path) -> bool:
    """Whether the run has a committed record and was not begun here, which it prints."""
    if run := committed_run(folder):
        print(f"{run.file}: already finished, not trained again; {FORCE} trains it all the same")
    return run is not None


def prepare(folder: Path, config: Mapping[str, Any], force: bool) -> None:
    """Prepares the run folder to start or to resume; refuses one that holds another config."""
    if distributed.rank() == 0:
        if force:
            set_aside(folder)
        tidy(folder)
    distributed.wait_for_all()
    begun = folder / "science.json"
    try:
        keys = differing(config, read_json(begun)) if begun.exists() else []
    except ValueError as error:
        keys = []
        warn(f"{error}; the name of the folder says that it is of this config")
    if keys:
        raise ValueError(f"{folder} holds another config ({', '.join(keys)} differ): force=true sets it aside")


def train_in(folder: Path, cfg: DictConfig, config: Mapping[str, Any]) -> None:
    """Trains the run in its folder, and writes everything needed to verify and to repeat it."""
    singles = Singles(cfg, words := command_line())
    singles.wait()
    networks, clock = singles.needed(), Clock()
    trainer = build.build_trainer(cfg, folder, singles.baseline(), networks, clock)
    test = build.build_evaluator(cfg, "test", trainer.tasks, trainer.device) if "test" in cfg.dataset else None
    first = distributed.rank() == 0
    earlier, about, data = [], {}, {}  # of the first process
    if first:
        now = environment(trainer.device) | {"processes": distributed.world_size()}  # files may change while it trains
        *earlier, about = environments(folder, now)
        splits = {"train": trainer.loader.dataset.dataset, "val": trainer.evaluator.loader.dataset}
        splits |= {"test": test.loader.dataset} if test is not None else {}
        data = {split: dataset.about() for split, dataset in splits.items()}
        write_json(folder / "science.json", config, indent=2)
        write_whole(folder / "config.yaml", OmegaConf.to_yaml(cfg, resolve=True))
        write_whole(folder / "changes.patch", code.changes())
    result = trainer.fit()
    if test is not None:
        scores = test.run(trainer.model, trainer.evaluating, clock=clock)
        result["last"] = {**result["last"], "test": scores}
        if result["best"]["step"] != result["last"]["step"]:
            distributed.wait_for_all()  # until the best network is written
            trainer.model.load_state_dict(load_checkpoint(folder / "best.pt", trainer.device)["model"])
            scores = test.run(trainer.model, trainer.evaluating, clock=clock)
        result["best"] = {**result["best"], "test": scores}
    if first:
        clock.lap("other")
        words = [word for word in words if word.partition("=")[0] not in NOT_RECORDED]
        if result["step_seconds"] is None:
            result |= earlier_times(folder, about["device"])
        record = {
            "config": config,
            "seed": cfg.seed,
            "metrics": metrics_of(trainer.tasks),
            "data": data,
            "processes": distributed.world_size(),
            **result,
            **clock.summary(),
            "gradient_statistics": OmegaConf.to_container(cfg.logging.gradient_statistics),
            "feature_distance": build.watches(cfg),
            "command": shlex.join([*as_called("python train.py").split(), *words]),
            "environment": about,
            "earlier_environments": earlier,
        }
        write_json(folder / "record.json", record, indent=2)
        keep_weights(folder, cfg.keep)
        skipped = Run(folder, record).skipped
        print(f"{folder}: skipped {skipped}, their loss or gradient was not finite" if skipped else folder)


def command_line() -> list[str]:
    """The words that this run needs to be repeated: its overrides, and where configs of another package are."""
    given = HydraConfig.get().overrides
    return [*(word for word in given.hydra if word.startswith("hydra.searchpath=")), *given.task]
