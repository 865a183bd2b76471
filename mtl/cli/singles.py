"""Finds the single-task networks that a run is compared with, learns from or starts from."""

from collections.abc import Sequence
from pathlib import Path

from omegaconf import DictConfig

from mtl import build
from mtl.cli.settings import compose
from mtl.engine import distributed
from mtl.report.read.runs import (
    finished_runs,
    judged_otherwise,
    single_task_runs,
    training_command,
    training_words,
)
from mtl.run.folder import held, is_held, wait_for

FORCE = "force=true"


class Singles:
    """The vanilla single-task networks with the dataset, backbone, recipe and seed of a run.

    Attributes:
        runs: The finished runs.

    Args:
        cfg: The config of the run.
        words: The words of train.py's command line that it was composed from.
    """

    def __init__(self, cfg: DictConfig, words: Sequence[str]) -> None:
        self.cfg, self.words, self.config = cfg, words, build.science(cfg)
        self.tasks: list[str] = self.config["subset"]
        self.runs = finished_runs(Path(cfg.results))

    def wait(self) -> None:
        """Waits for those that another process is training now, if the run needs any."""
        known = single_task_runs(self.runs, self.config, self.cfg.seed)
        missing = [task for task in self.tasks if task not in known]
        if not missing or (len(self.tasks) == 1 and not build.needs_singles(self.cfg)):
            return
        # Composing takes a moment: only for tasks of which some single-task network is being trained.
        maybe = [task for task in missing if held(Path(self.cfg.results) / "runs", f"*_{task}-????????", self.cfg.seed)]
        singles = map(compose, (training_words(self.words, [task], self.cfg.seed, self.config) for task in maybe))
        if busy := [folder for folder in map(build.run_folder, singles) if is_held(folder)]:
            if distributed.rank() == 0:
                print(f"waits for {', '.join(map(str, busy))}: being trained elsewhere", flush=True)
            wait_for(busy)
        self.runs = finished_runs(Path(self.cfg.results))

    def needed(self) -> dict[str, Path]:
        """Best checkpoints by task, if the run needs their weights.

        Raises:
            ValueError: One of them is missing.
        """
        if build.starts_from_singles(self.cfg):
            return self.checkpoints(f"model={self.cfg.model.name} without model.init=pretrained starts from")
        if "alignment" in self.cfg.weighter:
            return self.checkpoints(f"weighter={self.cfg.weighter.name} learns from")
        return self.checkpoints("feature_distance wants") if build.watches(self.cfg) else {}

    def checkpoints(self, wants: str) -> dict[str, Path]:
        """Best checkpoints by task.

        Args:
            wants: What needs them, for the message.

        Raises:
            ValueError: One of them is missing.
        """
        known = single_task_runs(self.runs, self.config, self.cfg.seed, judged_alike=False)
        found = {task: run.folder / "best.pt" for task, run in known.items() if (run.folder / "best.pt").exists()}
        if missing := [task for task in self.tasks if task not in found]:
            command = training_command(self.words, missing, self.cfg.seed, self.config)
            lack = f"there is none of {', '.join(missing)} with this dataset, backbone, recipe and seed"
            if gone := [task for task in missing if task in known]:
                files = ", ".join(str(known[task].folder / "best.pt") for task in gone)
                lack += f" (the network of {', '.join(gone)} was trained, but not kept: {files} is missing)"
                command += f" {FORCE} keep=best"
            raise ValueError(f"{wants} single-task networks, and {lack}; to train: {command}")
        return found

    def baseline(self) -> dict[str, float] | None:
        """Primary metrics by task; if some networks are not trained yet, prints how to train them."""
        known = single_task_runs(self.runs, self.config, self.cfg.seed)
        missing = [task for task in self.tasks if task not in known]
        if not missing:
            return {task: known[task].primary(task) for task in self.tasks}
        if len(self.tasks) > 1 and distributed.rank() == 0:
            presets = {task.name: task.metric.preset for task in build.build_tasks(self.cfg)}
            others = judged_otherwise(self.runs, self.config, self.cfg.seed, presets)
            mixed = "".join(
                f"; that of {task} is judged by {others[task]}, here by {presets[task]}, and presets do not mix"
                for task in missing
                if task in others
            )
            command = training_command(self.words, missing, self.cfg.seed, self.config)
            print(f"Delta_m stays empty: no single-task run of {', '.join(missing)}{mixed}; to train: {command}")
        return None
