"""Trains one network: `python train.py dataset=rooms weighter=avgnorm`; configs/config.yaml has all there is to set."""

import json
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import hydra
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig, OmegaConf

from mtl import build, cli
from mtl.engine import distributed
from mtl.engine.checkpoint import PREVIOUS
from mtl.engine.record import code_changes, environment, metrics_of
from mtl.engine.run_folder import lock, set_aside, tidy
from mtl.files import write_whole
from mtl.report.command import training_command
from mtl.report.runs import differing, finished_runs, single_task_runs
from mtl.validate import validate


@hydra.main(version_base="1.3", config_path="configs", config_name="config")
def main(cfg: DictConfig) -> None:
    """Trains, evaluates and records a run; goes on where it was killed, and trains nothing twice."""
    validate(cfg)
    config, folder = build.science(cfg), build.run_folder(cfg)
    distributed.start(build.choose_device(cfg.device))
    first = distributed.rank() == 0
    held = lock(folder) if first else nullcontext()
    with held:
        if first and cfg.force:
            set_aside(folder)
        if first:
            tidy(folder)
        distributed.wait_for_all()
        theirs = json.loads((folder / "science.json").read_text()) if (folder / "science.json").exists() else config
        if keys := differing(config, theirs):
            raise ValueError(f"{folder} holds another config ({', '.join(keys)} differ): force=true sets it aside")
        if (folder / "record.json").exists():
            print(f"{folder}: finished before, not trained again")
            return
        trainer = build.build_trainer(cfg, folder, find_baseline(cfg, config))
        if first:
            write_whole(folder / "changes.patch", code_changes())
            write_whole(folder / "science.json", json.dumps(config, indent=2))
            write_whole(folder / "config.yaml", OmegaConf.to_yaml(cfg, resolve=True))
        result = trainer.fit()
        if first:
            record = {
                "config": config,
                "seed": cfg.seed,
                "metrics": metrics_of(trainer.tasks),
                **result,
                "gradient_statistics": OmegaConf.to_container(cfg.logging.gradient_statistics),
                "environment": environment(trainer.device),
            }
            write_whole(folder / "record.json", json.dumps(record, indent=2) + "\n")
            tidy(folder, PREVIOUS)
            print(folder)
    distributed.stop()


def find_baseline(cfg: DictConfig, config: dict[str, Any]) -> dict[str, float] | None:
    """Primary metrics of the single-task networks, if all of them are trained; else says how to train them."""
    tasks = config["subset"]
    singles = single_task_runs(finished_runs(Path(cfg.results)), config, cfg.seed)
    missing = [task for task in tasks if task not in singles]
    if not missing:
        return {task: singles[task].primary(task) for task in tasks}
    if len(tasks) > 1 and distributed.rank() == 0:
        command = training_command(HydraConfig.get().overrides.task, missing, cfg.seed)
        print(f"Delta_m stays empty: no single-task run of {', '.join(missing)}; to train: {command}")
    return None


if __name__ == "__main__":
    cli.run(main)
