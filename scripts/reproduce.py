"""Trains the missing runs of an experiment and makes its table: `python scripts/reproduce.py experiment=table2`.

Without `dataset=` it covers all datasets that the experiment has in the paper. For a small trial, use
`experiment=[table2,small] dataset=rooms`. runs=plan prints what is missing and what it takes, and trains nothing.
Finished runs are not trained again, and several of these commands share the work in one results folder. If a run fails,
it is listed and the others continue. If the plan of the experiment has `records: true`, the records of finished runs
are kept in results/records, and runs=no makes the table from them alone.
"""

import math
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from mtl import cli
from mtl.cli.costs import Costs
from mtl.experiment import Experiment, Job, datasets, finished, swept
from mtl.files import write_whole
from mtl.places import PAPER, ROOT
from mtl.report.outputs import render
from mtl.report.read.committed import write_records
from mtl.report.read.runs import Run
from mtl.run.folder import is_held, wait_for
from mtl.run.interrupt import STOPPED

TRAIN, FLOORS = ROOT / "train.py", ROOT / "scripts" / "floors.py"
SHORT = 100  # steps of a run that takes hardly longer than measuring its network
OWN = {
    "seed": ("", "seeds, such as 0,1,2; by default those that records/<experiment> has, otherwise 0"),
    "runs": (
        "yes",
        "no: train nothing, only render the table; plan: only print hours, disk and memory of what is missing",
    ),
    "metrics": ("primary", "all: also tables of the other metrics"),
    "launcher": ("", "two, gpus, slurm, ray_gpu, joblib or basic; by default as the experiment says"),
}


def main(own: Mapping[str, str], words: Sequence[str]) -> None:
    """Trains and renders the experiment on each of its datasets; exit code 1 if a run is missing at the end."""
    seeds = own["seed"].split(",") if own["seed"] else []
    if own["runs"] not in ("yes", "no", "plan") or not all(seed.isdigit() for seed in seeds):
        raise ValueError(f"runs={own['runs']} seed={own['seed']}: use runs=yes, no or plan, and seeds such as 0,1,2")
    if own["metrics"] not in ("primary", "all"):
        raise ValueError(f"metrics={own['metrics']}: use metrics=primary or metrics=all")
    if len(swept(words)) > 1:
        raise ValueError(f"{' '.join(words)}: only seed takes several values here")
    launcher = [f"hydra/launcher={own['launcher']}"] * bool(own["launcher"])
    launcher += [word for word in words if word.startswith("hydra.launcher.")]
    words = [word for word in words if word not in launcher]
    others = [word for word in words if not word.startswith("dataset=")]
    whole = True
    for name in datasets(words):
        experiment = Experiment([*others, f"dataset={name}"])
        work = Work(experiment, [int(seed) for seed in seeds] or experiment.seeds(), launcher)
        if own["runs"] == "plan":
            show_plan(work)
            continue
        if own["runs"] == "yes" and any(work.missing()):
            train(work, measured(work, longer_than=SHORT))
        if own["runs"] == "yes":
            keep_floors(work)
        whole &= show(work, own["metrics"] == "all")
    if not whole:
        raise SystemExit(1)


class Work:
    """The runs of an experiment.

    Args:
        experiment: The experiment.
        seeds: The seeds of each network.
        launcher: Words about the Hydra launcher; empty: that of the experiment.
    """

    def __init__(self, experiment: Experiment, seeds: Sequence[int], launcher: Sequence[str]) -> None:
        self.experiment, self.seeds, self.launcher = experiment, seeds, launcher
        self.lines = experiment.jobs()
        self.learns = any(job.needs_singles for line in self.lines for job in line)

    def finished(self) -> dict[Path, Run]:
        """Finished runs by their folders."""
        return finished(self.experiment.results)

    def found(self) -> list[Run]:
        """The finished runs of the experiment, in the order of the plan."""
        runs = self.finished()
        return [run for line in self.lines for job in line for seed in self.seeds if (run := job.run(runs, seed))]

    def missing(self, first: int = 0) -> list[list[tuple[Job, int]]]:
        """The runs of each line, from the first on, that are not finished."""
        runs = self.finished()
        return [
            [(job, seed) for job in line for seed in self.seeds if job.run(runs, seed) is None]
            for line in self.lines[first:]
        ]

    def keep(self, number: int) -> str:
        """What runs of a line keep: single-task networks also best.pt, if runs of the plan learn from them."""
        given: str = self.experiment.cfg.keep
        teach = self.learns and any(len(job.config["subset"]) == 1 for job in self.lines[number])
        return {"none": "best", "last": "both"}.get(given, given) if teach else given


def measured(work: Work, longer_than: int = 0) -> Costs:
    """What the networks of the missing runs cost; those that were never trained on this device are measured.

    Args:
        work: The runs.
        longer_than: Steps of a run that its network is measured for.
    """
    costs, jobs = Costs(work.experiment, work.launcher), [job for line in work.missing() for job, _ in line]
    jobs = [job for job in jobs if (job.config["recipe"]["steps"] or math.inf) > longer_than]
    if jobs:
        work.experiment.check_dataset()
        costs.measure(jobs, work.finished())
    return costs


def show_plan(work: Work) -> None:
    """Prints hours, disk and memory of the missing runs."""
    costs, lacking, runs = measured(work), work.missing(), work.finished()
    kept = [{"none": 0, "both": 2}.get(work.keep(number), 1) for number in range(len(work.lines))]
    count, every = sum(map(len, lacking)), sum(map(len, work.lines)) * len(work.seeds)
    table = costs.table(work.lines, len(work.seeds), lacking, runs, kept)
    print(f"{work.experiment.name} on {costs.device}\n\n{table}\n")
    print(f"{count} of {every} runs are missing{f', {costs.estimate(lacking, runs)}' * (count > 0)}")


def train(work: Work, costs: Costs) -> None:
    """Trains the missing runs, and waits for those that another process is training."""
    numbers: Iterable[int] = range(len(work.lines))
    while True:
        for number in numbers:
            try:
                train_line(work, costs, number)
            finally:
                keep_records(work)
        busy = [elsewhere(line) for line in work.missing()]
        if not (folders := [folder for line in busy for folder in line]):
            return
        more = " ..." * (len(folders) > 1)
        print(
            f"{work.experiment.name}: waits for runs that are being trained elsewhere ({len(folders)}): "
            f"{folders[0]}{more}",
            flush=True,
        )
        wait_for(folders)
        numbers = [number for number, line in enumerate(busy) if line]


def train_line(work: Work, costs: Costs, number: int) -> None:
    """Trains the missing runs of a line of the plan, if there are any."""
    lacking = work.missing(number)
    if not lacking[0]:
        return
    busy = len(elsewhere(lacking[0]))
    print(
        f"{work.experiment.name}, line {number + 1} of {len(work.lines)}: {len(lacking[0])} of "
        f"{len(work.lines[number]) * len(work.seeds)} runs are missing"
        f"{f' ({busy} of them being trained elsewhere)' * (busy > 0)}; {sum(map(len, lacking))} remain in total, "
        f"{costs.estimate(lacking, work.finished())}",
        flush=True,
    )
    keep = [f"keep={work.keep(number)}"] * (work.keep(number) != work.experiment.cfg.keep)
    for job, seed in lacking[0]:
        runs = work.finished()
        if job.folder / f"seed{seed}" in runs and not job.run(runs, seed):  # it lacks statistics that are needed here
            call([*job.words, f"seed={seed}", "force=true", *keep])
    sweep = [*work.experiment.words, *work.experiment.lines()[number], f"seed={','.join(map(str, work.seeds))}"]
    call(["-m", *sweep, *keep, *work.launcher])


def keep_records(work: Work) -> None:
    """Writes the records of the finished runs to `results/records`, if the plan says so."""
    if work.experiment.plan.get("records"):
        write_records(work.experiment.results, work.experiment.name, work.found())


def keep_floors(work: Work) -> None:
    """Scores predictions without learning on the data of the experiment, if its plan keeps records and lacks them."""
    experiment = work.experiment
    if experiment.plan.get("records") and not experiment.floors():
        split = "test" if "test" in experiment.cfg.dataset else "val"
        words = [*experiment.words, f"split={split}", f"out={experiment.floors_file}"]
        subprocess.run([sys.executable, str(FLOORS), *words], check=False, stdout=subprocess.DEVNULL)


def elsewhere(lacking: Sequence[tuple[Job, int]]) -> list[Path]:
    """The folders of those runs that another process is training."""
    return [folder for job, seed in lacking if is_held(folder := job.folder / f"seed{seed}")]


def call(words: Sequence[str]) -> None:
    """Calls train.py, which lists the runs that fail; here they are missing at the end."""
    done = subprocess.run([sys.executable, str(TRAIN), *words], check=False)
    if done.returncode in STOPPED:  # do not start the next line
        raise SystemExit(done.returncode)


def show(work: Work, every_metric: bool) -> bool:
    """Prints the table, writes its files and prints their paths; returns whether all runs are finished."""
    keep_records(work)
    experiment, found, jobs = work.experiment, work.found(), [job for line in work.lines for job in line]
    lacking = [missing for line in work.missing() for missing in line]
    if not found:
        print(f"{experiment.name}: none of {len(lacking)} runs has finished")
        return False
    configs = [(job.config, job.variant) for job in jobs]
    files, text = render(experiment.name, experiment.plan, found, configs, PAPER, every_metric, experiment.floors())
    for name, content in files.items():
        write_whole(experiment.results / name, content)
    print(f"{text}\n")
    for job, seed in lacking:
        state = "being trained elsewhere" if elsewhere([(job, seed)]) else "missing"
        print(f"{state}: python train.py {' '.join(job.words)} seed={seed}")
    print(*(experiment.results / name for name in files), sep="\n")
    return not lacking


if __name__ == "__main__":
    cli.run(main, __doc__, OWN, others=True)
