"""What the networks of an experiment cost on this device: from finished runs, or measured before the first of them."""

import hashlib
import json
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import hydra
from joblib import cpu_count
from tabulate import tabulate

from mtl import build
from mtl.cli.gpus import chosen, places
from mtl.experiment import Experiment, Job
from mtl.files import NUMBER, read_json, warn
from mtl.report.numbers.hours import FIELDS, Cost, duration, median_costs, network_key, read_cost
from mtl.report.read.runs import Run
from mtl.run.interrupt import STOPPED

HERE = ("BasicLauncher", "JoblibLauncher")  # launchers that train on this machine
BYTES = 4  # of a weight
Runs = Mapping[Path, Run]
Missing = Sequence[tuple[Job, int]]  # runs of a line of the plan, by job and seed


class Costs:
    """Estimates the hours, disk and memory of an experiment on this device.

    Args:
        experiment: The experiment.
        launcher: Words about the Hydra launcher; empty: that of the experiment.
    """

    def __init__(self, experiment: Experiment, launcher: Sequence[str] = ()) -> None:
        from mtl.run.device import choose_device  # noqa: PLC0415  torch, which a mistyped word need not wait for
        from mtl.run.record import device_name  # noqa: PLC0415

        self.device = device_name(choose_device(experiment.cfg.device))
        self.at_a_time, self.here, apart = launched([*experiment.words, *launcher])
        self.share = 1 if apart else self.at_a_time  # runs that slow each other down on one device
        self.given = len(experiment.words)
        self.processes, self.workers = experiment.cfg.processes, experiment.cfg.workers
        if not any(word.startswith("workers=") for word in experiment.words):
            self.workers //= self.at_a_time  # as `workers: auto` does in a sweep
        self.folder = experiment.results / "costs"

    def of(self, jobs: Iterable[Job], runs: Runs) -> dict[Path, Cost | None]:
        """The costs of networks, by their folders; None where it is not known."""
        known, costs = median_costs(runs.values(), self.device, self.processes), {}
        for job in jobs:
            path = self._file(job)
            measured = stored_cost(path)
            found = known.get(network_key(job.config))
            costs[job.folder] = replace(found, launch=measured.launch) if found and measured else found or measured
        return costs

    def measure(self, jobs: Sequence[Job], runs: Runs) -> None:
        """Measures the networks whose cost is not known, as many at a time as will train; not if a cluster trains."""
        costs = self.of(jobs, runs)
        unknown = {self._file(job): job.words for job in jobs if costs[job.folder] is None}
        if not unknown or not self.here:
            return
        print(f"measures 3 steps and 8 evaluated images of {len(unknown)} networks, once on this device", flush=True)
        known = {"workers": self.workers, "processes": self.processes}
        orders = [{"file": str(path.absolute()), "words": words, **known} for path, words in unknown.items()]
        command = [sys.executable, "-m", "mtl.cli.measure", str(time.time())]
        started = [subprocess.Popen(command, stdin=subprocess.PIPE, text=True) for _ in orders[: self.share]]
        try:
            for number, process in enumerate(started):
                assert process.stdin is not None  # a pipe
                with process.stdin as pipe:
                    json.dump(orders[number :: self.share], pipe, allow_nan=False)
            codes = [process.wait() for process in started]
        finally:
            for process in started:
                process.kill()
        if stopped := [code for code in codes if code in STOPPED]:
            raise SystemExit(stopped[0])

    def estimate(self, lines: Sequence[Missing], runs: Runs) -> str:
        """How long these runs take as text, with the number of those whose cost is not known.

        The lines are trained one after another, each with several runs at a time.
        """
        costs = self.of((job for line in lines for job, _ in line), runs)
        unknown, seconds = sum(costs[job.folder] is None for line in lines for job, _ in line), 0.0
        for line in lines:
            known = [(cost, job) for job, _ in line if (cost := costs[job.folder])]
            if known:
                starts = 2 if self.at_a_time > 1 else 1  # of the sweep, and of the processes that share it
                launch = starts * max(cost.launch for cost, _ in known)
                seconds += launch + duration([cost.seconds(job.config) for cost, job in known], self.at_a_time)
        hours = f"about {length(seconds)}" + f" with {self.at_a_time} at a time" * (self.at_a_time > 1)
        rest = f"{unknown} of them without an estimate"
        return " and ".join([hours] * (seconds > 0) + [rest] * (unknown > 0))

    def table(
        self, lines: Sequence[Sequence[Job]], seeds: int, lacking: Sequence[Missing], runs: Runs, kept: Sequence[int]
    ) -> str:
        """Finished and missing runs of every network, and hours, disk and memory of the missing ones.

        Args:
            lines: Jobs of each line of the plan.
            seeds: Runs of each job.
            lacking: Those of each line that are missing.
            runs: Finished runs.
            kept: Number of checkpoints that the runs of each line keep.
        """
        costs, rows = self.of((job for line in lines for job in line), runs), []
        for line, missing, checkpoints in zip(lines, lacking, kept, strict=True):
            for job in line:
                count, cost = sum(other.folder == job.folder for other, _ in missing), costs[job.folder]
                name = " ".join(job.words[self.given :]) or "default"
                numbers = [None] * 3
                if cost:
                    disk = cost.parameters * BYTES * checkpoints * count
                    numbers = [cost.seconds(job.config) * count / 3600, disk / 2**30, cost.memory_mib / 2**10]
                rows.append([name, seeds - count, count, *numbers])
        columns = [[value for value in column if value is not None] for column in zip(*rows, strict=True)]
        rows.append(["all", *map(sum, columns[1:-1]), max(columns[-1], default=None)])
        heads = ["network", "done", "missing", "hours", "disk, GiB", "memory, GiB"]
        return tabulate(rows, heads, floatfmt=("", "", "", ".3f", ".3f", ".1f"), missingval="?")

    def _file(self, job: Job) -> Path:
        place = [self.device, self.share, self.processes, self.workers]
        key = json.dumps([*place, network_key(job.config)], allow_nan=False)
        return self.folder / f"{hashlib.sha256(key.encode()).hexdigest()[:12]}.json"


def stored_cost(path: Path) -> Cost | None:
    """The measured cost in a file; None if the file is missing or, with a warning, damaged."""
    try:
        return read_cost(read_json(path, dict.fromkeys(FIELDS, NUMBER))) if path.exists() else None
    except ValueError as error:
        warn(f"{error}: the network is measured again")
        return None


def length(seconds: float) -> str:
    """Hours, or minutes or seconds if it is less than two of the larger unit."""
    units = [(3600, "hours"), (60, "minutes"), (1, "seconds")]
    size, name = next((unit for unit in units if seconds >= 2 * unit[0]), units[-1])
    return f"{seconds / size:.3g} {name}"


def launched(words: Sequence[str]) -> tuple[int, bool, bool]:
    """Number of runs that a sweep with these words trains at a time, whether on this machine, and on a GPU for each."""
    with hydra.initialize_config_dir(version_base="1.3", config_dir=str(build.CONFIGS)):
        cfg = hydra.compose("config", list(words), return_hydra_config=True)
    launcher = cfg.hydra.launcher
    if chosen(cfg):
        return places(cfg), True, True
    number = launcher.get("n_jobs") or launcher.get("array_parallelism") or 1
    return number if number > 0 else cpu_count(), launcher._target_.split(".")[-1] in HERE, False
