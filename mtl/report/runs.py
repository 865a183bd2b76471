"""Finished runs, found by what they recorded and not by where they lie."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mtl.files import read_json

COMPARABLE = ("dataset", "backbone", "recipe")  # config groups that must agree for two runs to be compared


@dataclass(frozen=True)
class Run:
    """A finished run.

    Args:
        folder: Where its files are.
        record: Content of its `record.json`.
    """

    folder: Path
    record: Mapping[str, Any]

    @property
    def config(self) -> Mapping[str, Any]:
        """The resolved config, without what does not change the result."""
        return self.record["config"]

    @property
    def tasks(self) -> list[str]:
        """Task names, in order."""
        return self.config["subset"]

    @property
    def weighter(self) -> str:
        """Name of the weighter's config."""
        return self.config["weighter"]["name"]

    @property
    def seed(self) -> int:
        """Seed of initial weights, data order and augmentation."""
        return self.record["seed"]

    @property
    def presets(self) -> dict[str, str]:
        """By which preset each task was judged, as far as its metric has several."""
        return {task: metric["preset"] for task, metric in self.record["metrics"].items() if metric["preset"]}

    @property
    def encoder_passes(self) -> int:
        """How often a step differentiates the encoder: once, or for each task where their whole gradients are seen."""
        return len(self.tasks) if self.config["weighter"].get("scope") == "shared" else 1

    def scores(self, which: str = "best") -> Mapping[str, Mapping[str, float]]:
        """Task -> metric -> value of the best or the last network, on the test split if there is one; NaN for null."""
        found = self.record[which].get("test") or self.record[which]["scores"]
        return {task: {key: number(value) for key, value in metrics.items()} for task, metrics in found.items()}

    @property
    def weights(self) -> dict[str, float]:
        """Mean weight of each task over all steps."""
        return {task: number(weight) for task, weight in self.record["mean_weights"].items()}

    def primary(self, task: str, which: str = "best") -> float:
        """The metric of a task that enters Delta_m, as `scores` has it."""
        return self.scores(which)[task][self.record["metrics"][task]["primary"]]


def number(value: float | None) -> float:
    """The value, NaN for null, which stands for it in JSON."""
    return math.nan if value is None else value


def finished_runs(results: Path) -> list[Run]:
    """All finished runs, in the order of their folders."""
    records = sorted(Path(results).glob("runs/*/seed*/record.json"))
    return [Run(path.parent, read_json(path)) for path in records]


def comparable(run: Run, config: Mapping[str, Any], *, judged_alike: bool = True) -> bool:
    """Whether the run was trained on the same data with the same encoder, heads and recipe.

    Args:
        run: The run; of the dataset's tasks only those that it has count.
        config: Resolved config.
        judged_alike: Whether the tasks have to be judged by the same protocol as well.
    """
    ours, theirs = (
        {group: _settings(one[group], run.tasks, judged_alike) for group in COMPARABLE} for one in (config, run.config)
    )
    return ours == theirs


def _settings(group: Mapping[str, Any], tasks: Sequence[str], judged: bool) -> Mapping[str, Any]:
    """A config group, where it lists tasks reduced to those given, with or without how they are judged."""
    if "tasks" not in group:
        return group
    own = {
        name: {key: value for key, value in task.items() if judged or key != "metric"}
        for name, task in group["tasks"].items()
        if name in tasks
    }
    return {**group, "tasks": own}


def single_task_runs(
    runs: Sequence[Run], config: Mapping[str, Any], seed: int, *, judged_alike: bool = True
) -> dict[str, Run]:
    """Run of the plain single-task network of each task that has one, at the given seed."""
    return {
        run.tasks[0]: run
        for run in runs
        if len(run.tasks) == 1
        and run.seed == seed
        and (run.weighter, run.config["model"]["name"]) == ("uniform", "vanilla")
        and comparable(run, config, judged_alike=judged_alike)
    }


def judged_otherwise(
    runs: Sequence[Run], config: Mapping[str, Any], seed: int, presets: Mapping[str, str | None]
) -> dict[str, str]:
    """Task -> preset of a plain single-task network that would be compared, were it not judged by another preset.

    Args:
        runs: Finished runs.
        config: Resolved config whose dataset, encoder and recipe the network must share, by name.
        seed: Seed of the network.
        presets: Of each task, by what it is judged here.
    """
    names = {group: config[group]["name"] for group in ("dataset", "backbone")}
    return {
        run.tasks[0]: run.presets[run.tasks[0]]
        for run in runs
        if len(run.tasks) == 1
        and run.seed == seed
        and (run.weighter, run.config["model"]["name"]) == ("uniform", "vanilla")
        and {group: run.config[group]["name"] for group in names} == names
        and run.config["recipe"] == config["recipe"]
        and run.presets.get(run.tasks[0]) not in (None, presets.get(run.tasks[0]))
    }


def leaves(config: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Values of a config by dotted key."""
    found = {}
    for key, value in config.items():
        found |= leaves(value, f"{prefix}{key}.") if isinstance(value, Mapping) else {f"{prefix}{key}": value}
    return found


def differing(one: Mapping[str, Any], other: Mapping[str, Any]) -> list[str]:
    """Dotted keys in which two configs differ."""
    ours, theirs = leaves(one), leaves(other)
    return sorted(key for key in ours | theirs if (key in ours, ours.get(key)) != (key in theirs, theirs.get(key)))
