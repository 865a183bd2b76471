"""Which runs make the rows of a table, and what they say seed by seed."""

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mtl.report.names import method_label, method_order
from mtl.report.runs import Run, comparable, leaves, single_task_runs


@dataclass(frozen=True)
class Comparison:
    """The runs of one table: same data, encoder, heads and recipe, same protocol of every metric.

    Args:
        tasks: Names of the tasks that any of the runs has, in order.
        methods: Label -> seed -> multi-task run of all the tasks, in the order of the table.
        singles: Seed -> task -> run of the single-task network.
    """

    tasks: list[str]
    methods: dict[str, dict[int, Run]]
    singles: dict[int, dict[str, Run]]

    @property
    def runs(self) -> list[Run]:
        """All of them."""
        multi = [run for seeds in self.methods.values() for run in seeds.values()]
        return multi + [run for tasks in self.singles.values() for run in tasks.values()]

    @property
    def missing(self) -> dict[int, list[str]]:
        """Seed -> tasks without a single-task run, where a method has a run at that seed."""
        seeds = sorted({seed for runs in self.methods.values() for seed in runs})
        absent = {seed: [task for task in self.tasks if task not in self.singles.get(seed, {})] for seed in seeds}
        return {seed: tasks for seed, tasks in absent.items() if tasks}

    def metric(self, task: str) -> str:
        """Key of a task's primary metric."""
        return self._judged(task)["primary"]

    def higher_is_better(self, task: str) -> bool:
        """Direction of a task's primary metric."""
        return self._judged(task)["higher_is_better"]

    def label(self, config: Mapping[str, Any]) -> str:
        """Label of the method that this config trains.

        Raises:
            ValueError: No run of it is finished.
        """
        for label, seeds in self.methods.items():
            if any(run.config == config for run in seeds.values()):
                return label
        name = config["weighter"]["name"]
        raise ValueError(
            f"no finished run of {method_label(name)}: give train.py the words of this report and weighter={name}"
        )

    def uniform(self, run: Run) -> Run | None:
        """The run of the same model and seed under Uniform; None where there is none."""
        peers = [seeds[run.seed] for seeds in self.methods.values() if run.seed in seeds]
        found = [peer for peer in peers if peer.weighter == "uniform" and peer.config["model"] == run.config["model"]]
        return found[0] if found else None

    def _judged(self, task: str) -> Mapping[str, Any]:
        return next(run.record["metrics"][task] for run in self.runs if task in run.tasks)


def compare(runs: Sequence[Run], config: Mapping[str, Any]) -> Comparison:
    """The finished runs that belong beside a config, in any order of training.

    Args:
        runs: Finished runs of any kind.
        config: Resolved config whose dataset, backbone, recipe and tasks the runs must share.

    Raises:
        ValueError: Two runs judge a task by different presets, or none is left to compare.
    """
    tasks = config["subset"]
    alike = [run for run in runs if comparable(run, config)]
    multi = [run for run in alike if run.tasks == tasks and len(tasks) > 1]
    singles = {seed: single_task_runs(alike, config, seed) for seed in sorted({run.seed for run in alike})}
    singles = {seed: {task: found[task] for task in tasks if task in found} for seed, found in singles.items()}
    comparison = Comparison(
        tasks=[task for task in tasks if multi or any(task in found for found in singles.values())],
        methods=_by_method(multi),
        singles={seed: found for seed, found in singles.items() if found},
    )
    if not comparison.runs:
        raise ValueError(
            f"none of {len(runs)} finished runs has dataset {config['dataset']['name']}, backbone "
            f"{config['backbone']['name']}, the recipe and the tasks {', '.join(tasks)}: train one with train.py"
        )
    _check_presets(comparison.runs)
    return comparison


def _by_method(runs: Sequence[Run]) -> dict[str, dict[int, Run]]:
    """Label -> seed -> run; equal names with different settings become rows that tell the difference."""
    settings: dict[str, list[Run]] = defaultdict(list)
    for run in sorted(runs, key=lambda run: (method_order(run.weighter), run.folder)):
        settings[json.dumps([run.config["weighter"], run.config["model"]], allow_nan=False)].append(run)
    flat = [leaves({key: found[0].config[key] for key in ("model", "weighter")}) for found in settings.values()]
    methods = {}
    for own, found in zip(flat, settings.values(), strict=True):
        namesakes = [other for other in flat if other["weighter.name"] == own["weighter.name"]]
        differing = [key for key in own if any(other.get(key) != own[key] for other in namesakes)]
        shown = [key for key in differing if not key.endswith("_target_")] or differing
        told = ", ".join(f"{key.removesuffix('.name').split('.')[-1]} {own[key]}" for key in shown)
        label = method_label(found[0].weighter) + (f" ({told})" if told else "")
        methods[label] = {run.seed: run for run in sorted(found, key=lambda run: run.seed)}
    return methods


def _check_presets(runs: Sequence[Run]) -> None:
    seen: dict[str, Run] = {}
    for run in runs:
        for task, preset in run.presets.items():
            other = seen.setdefault(task, run)
            if other.presets[task] != preset:
                raise ValueError(
                    f"{task} is judged by the preset {preset!r} in {run.folder} but by {other.presets[task]!r} in "
                    f"{other.folder}: such numbers are not comparable; move the runs of one preset to another results "
                    "folder"
                )
