"""Finds finished runs by their records, and the words that train missing single-task networks."""

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mtl.files import warn
from mtl.places import as_called
from mtl.report.read.record import number, read_committed, read_record

COMPARABLE = ("dataset", "backbone", "recipe")  # config groups that must agree for two runs to be compared
PLAIN = {"model": "vanilla", "weighter": "uniform"}  # settings of the single-task baseline
ADDED = {"sharpness", "distil"}  # to a weighter, by a word of their own
CHOSEN_BY_BASELINE = ("subset", "seed", *ADDED, *PLAIN)
MANY_SKIPPED = 0.01  # part of all steps
PLACES = ("data", "results")  # words of a command that name folders of a machine


@dataclass(frozen=True)
class Run:
    """A finished run.

    Args:
        folder: Where its files are, if it was trained here.
        record: Content of its `record.json`.
        file: Its committed record, if it was not trained here.
        logs: `evaluations` and `curves` of the committed record.
    """

    folder: Path
    record: Mapping[str, Any]
    file: Path | None = field(default=None, compare=False)
    logs: Mapping[str, Any] = field(default_factory=dict, compare=False)

    @property
    def config(self) -> Mapping[str, Any]:
        """The part of the resolved config that affects the result."""
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
        """Seed for initial weights, data order and augmentation."""
        return self.record["seed"]

    @property
    def presets(self) -> dict[str, str]:
        """Task -> evaluation preset, for tasks whose metric has several."""
        return {task: metric["preset"] for task, metric in self.record["metrics"].items() if metric["preset"]}

    @property
    def encoder_passes(self) -> int:
        """Backward passes through the encoder per step: one, or one per task if full task gradients are needed."""
        return len(self.tasks) if self.config["weighter"].get("scope") == "shared" else 1

    @property
    def command(self) -> str:
        """The command that repeats the run on any machine; empty if the record has none."""
        return portable(self.record.get("command", ""))

    @property
    def skipped(self) -> str:
        """Number of skipped steps as text, if they are more than 1 %, otherwise empty."""
        skipped, steps = self.record.get("skipped_steps", 0), self.record["steps"]
        return f"{skipped:,} of {steps:,} steps" if skipped > MANY_SKIPPED * steps else ""

    def scores(self, which: str = "best") -> Mapping[str, Mapping[str, float]]:
        """Task -> metric -> value at the best or last evaluation, on the test split if there is one; NaN for null.

        `validation` has the scores that chose the best evaluation; it is empty if there is no test split.
        """
        at = self.record["best" if which == "validation" else which]
        found = at.get("test") or at["scores"] if which != "validation" else at["scores"] if at.get("test") else {}
        return {task: {key: number(value) for key, value in metrics.items()} for task, metrics in found.items()}

    @property
    def weights(self) -> dict[str, float]:
        """Mean weight of each task over all steps."""
        return {task: number(weight) for task, weight in self.record["mean_weights"].items()}

    def primary(self, task: str, which: str = "best") -> float:
        """Value of the task's primary metric, the one that enters Delta_m."""
        return self.scores(which)[task][self.record["metrics"][task]["primary"]]


def finished_runs(results: Path) -> list[Run]:
    """All finished runs, sorted by folder; those with a damaged record are left out with a warning.

    A run that was not begun in this results folder has its committed record.
    """
    results, found = Path(results), {}
    for path in sorted(results.glob("runs/*/seed*/record.json")):
        try:
            found[path.parent] = Run(path.parent, read_record(path))
        except (ValueError, OSError) as error:
            warn(f"{error}; until then it counts as missing")
    for path in sorted(results.glob("records/*/*/seed*.json")):
        folder = results / "runs" / path.parent.name / path.stem
        if folder not in found and not is_begun(folder) and (run := _committed(folder, path)):
            found[folder] = run
    return sorted(found.values(), key=lambda run: run.folder)


def committed_run(folder: Path) -> Run | None:
    """The run of a folder by its committed record; None if it was begun in the folder, or has no such record."""
    paths = sorted(folder.parents[2].glob(f"records/*/{folder.parent.name}/{folder.name}.json"))
    found = (run for path in paths if (run := _committed(folder, path)))
    return None if is_begun(folder) else next(found, None)


def is_begun(folder: Path) -> bool:
    """Whether the run was begun in its folder; if so, its committed record does not count."""
    return any((folder / name).exists() for name in ("record.json", "science.json"))


def _committed(folder: Path, path: Path) -> Run | None:
    try:
        record, logs = read_committed(path)
    except (ValueError, OSError) as error:
        warn(f"{error}; until then it counts as missing")
        return None
    return Run(folder, record, path, logs)


def comparable(run: Run, config: Mapping[str, Any], *, judged_alike: bool = True) -> bool:
    """Whether the run was trained on the same data with the same encoder, heads and recipe.

    Args:
        run: The run; only its own tasks are compared.
        config: Resolved config.
        judged_alike: Whether the evaluation protocol of the tasks must match as well.
    """
    ours, theirs = (
        {group: _settings(one[group], run.tasks, judged_alike) for group in COMPARABLE} for one in (config, run.config)
    )
    return ours == theirs


def _settings(group: Mapping[str, Any], tasks: Sequence[str], judged: bool) -> Mapping[str, Any]:
    """A config group with its tasks reduced to those given, optionally without their metrics."""
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
    """Task -> run of its vanilla single-task network at the given seed; tasks without one are left out."""
    return {
        run.tasks[0]: run
        for run in runs
        if (len(run.tasks), run.seed, ADDED & set(run.config["weighter"])) == (1, seed, set())
        and (run.weighter, run.config["model"]["name"]) == ("uniform", "vanilla")
        and comparable(run, config, judged_alike=judged_alike)
    }


def judged_otherwise(
    runs: Sequence[Run], config: Mapping[str, Any], seed: int, presets: Mapping[str, str | None]
) -> dict[str, str]:
    """Task -> preset of a single-task network that would be comparable if it used the same evaluation preset.

    Args:
        runs: Finished runs.
        config: Resolved config; the network must have its dataset and backbone (by name) and its recipe.
        seed: Seed of the network.
        presets: Task -> evaluation preset in the current config.
    """
    names = {group: config[group]["name"] for group in ("dataset", "backbone")}
    return {
        run.tasks[0]: run.presets[run.tasks[0]]
        for run in runs
        if (len(run.tasks), run.seed, ADDED & set(run.config["weighter"])) == (1, seed, set())
        and (run.weighter, run.config["model"]["name"]) == ("uniform", "vanilla")
        and {group: run.config[group]["name"] for group in names} == names
        and run.config["recipe"] == config["recipe"]
        and run.presets.get(run.tasks[0]) not in (None, presets.get(run.tasks[0]))
    }


def portable(command: str) -> str:
    """The command without the words that name folders of a machine."""
    words = words_of(command)
    kept = [word for word in words if word.partition("=")[0] not in PLACES]
    return command if len(kept) == len(words) else shlex.join(kept)


def words_of(command: str) -> list[str]:
    """The words of a command in a record."""
    try:
        return shlex.split(command)
    except ValueError:  # it has a single quotation mark
        return command.split()


def leaves(config: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Flattens a config into values by dotted key."""
    found = {}
    for key, value in config.items():
        found |= leaves(value, f"{prefix}{key}.") if isinstance(value, Mapping) else {f"{prefix}{key}": value}
    return found


def differing(one: Mapping[str, Any], other: Mapping[str, Any]) -> list[str]:
    """Dotted keys at which two configs differ."""
    ours, theirs = leaves(one), leaves(other)
    return sorted(key for key in ours | theirs if (key in ours, ours.get(key)) != (key in theirs, theirs.get(key)))


def training_command(overrides: Sequence[str], tasks: Sequence[str], seed: int, config: Mapping[str, Any]) -> str:
    """Command that trains the single-task networks of these tasks; see `training_words`."""
    sweep = ["-m"] * (len(tasks) > 1)
    return " ".join([as_called("python train.py"), *sweep, *training_words(overrides, tasks, seed, config)])


def training_words(overrides: Sequence[str], tasks: Sequence[str], seed: int, config: Mapping[str, Any]) -> list[str]:
    """Words for train.py that train the single-task networks of these tasks.

    Args:
        overrides: Hydra overrides that select dataset, backbone and recipe.
        tasks: Task names, one network each.
        seed: Seed of the runs.
        config: Resolved config of the run to compare with.
    """
    keys = {word: word.lstrip("+~").split("=")[0] for word in overrides}
    given = keys.values()
    kept = [word for word, key in keys.items() if key.split(".")[0] not in CHOSEN_BY_BASELINE]
    # An experiment may set model and weighter, and a model sets its default backbone.
    kept += [f"{group}={name}" for group, name in PLAIN.items() if group not in given and config[group]["name"] != name]
    if "backbone" not in given and ("model" in given or config["model"]["name"] != PLAIN["model"]):
        kept.append(f"backbone={config['backbone']['name']}")
    return [*kept, f"subset={','.join(tasks)}", f"seed={seed}"]
