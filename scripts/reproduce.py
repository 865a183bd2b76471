"""Trains the missing runs of an experiment and makes its table: `python scripts/reproduce.py experiment=table2`.

Without `dataset=` it covers all datasets that the experiment has in the paper. For a small trial, use
`experiment=[table2,small] dataset=rooms`. Finished runs are not trained again, and several of these commands share the
work in one results folder. If a run fails, it is listed and the others continue.
"""

import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from mtl import cli
from mtl.experiment import Experiment, Job, datasets, finished, swept
from mtl.files import write_whole
from mtl.report.numbers.hours import expected_hours, total
from mtl.report.outputs import render
from mtl.run.device import choose_device
from mtl.run.folder import is_held, wait_for
from mtl.run.interrupt import STOPPED
from mtl.run.record import environment

HOUSE = Path(__file__).parents[1]
TRAIN, PAPER = HOUSE / "train.py", HOUSE / "results" / "paper"
OWN = {
    "seed": ("0", "seeds, such as 0,1,2"),
    "runs": ("yes", "no: train nothing, only render the table"),
    "metrics": ("primary", "all: also tables of the other metrics"),
    "launcher": ("", "two, gpus, slurm, ray_gpu, joblib or basic; by default as the experiment says"),
}


def main(own: Mapping[str, str], words: Sequence[str]) -> None:
    """Trains and renders the experiment on each of its datasets; exit code 1 if a run is missing at the end."""
    if own["runs"] not in ("yes", "no") or not all(seed.isdigit() for seed in own["seed"].split(",")):
        raise ValueError(f"runs={own['runs']} seed={own['seed']}: use runs=yes or runs=no, and seeds such as 0,1,2")
    if own["metrics"] not in ("primary", "all"):
        raise ValueError(f"metrics={own['metrics']}: use metrics=primary or metrics=all")
    seeds = [int(seed) for seed in own["seed"].split(",")]
    if len(swept(words)) > 1:
        raise ValueError(f"{' '.join(words)}: only seed takes several values here")
    others = [word for word in words if not word.startswith("dataset=")]
    whole = True
    for name in datasets(words):
        experiment = Experiment([*others, f"dataset={name}"])
        lines = experiment.jobs()
        jobs = [job for line in lines for job in line]
        if own["runs"] == "yes" and missing(jobs, seeds, finished(experiment.results)):
            experiment.check_dataset()
            train(experiment, lines, seeds, own["launcher"])
        whole &= show(experiment, jobs, seeds, own["metrics"] == "all")
    if not whole:
        raise SystemExit(1)


def train(experiment: Experiment, lines: Sequence[Sequence[Job]], seeds: Sequence[int], launcher: str) -> None:
    """Trains the missing runs, and waits for those that another process is training."""
    numbers: Iterable[int] = range(len(lines))
    while True:
        for number in numbers:
            train_line(experiment, lines, number, seeds, launcher)
        runs = finished(experiment.results)
        busy = [elsewhere(missing(line, seeds, runs)) for line in lines]
        if not (folders := [folder for line in busy for folder in line]):
            return
        more = " ..." * (len(folders) > 1)
        print(
            f"{experiment.name}: waits for runs that are being trained elsewhere ({len(folders)}): {folders[0]}{more}",
            flush=True,
        )
        wait_for(folders)
        numbers = [number for number, line in enumerate(busy) if line]


def train_line(
    experiment: Experiment, lines: Sequence[Sequence[Job]], number: int, seeds: Sequence[int], launcher: str
) -> None:
    """Trains the missing runs of a line of the plan, if there are any."""
    runs = finished(experiment.results)
    lacking = [missing(line, seeds, runs) for line in lines[number:]]
    if not lacking[0]:
        return
    device = environment(choose_device(experiment.cfg.device))["device"]
    hours = [
        expected_hours(job.config, job.config["recipe"]["steps"], runs.values(), device)
        for part in lacking
        for job, _ in part
    ]
    busy = len(elsewhere(lacking[0]))
    print(
        f"{experiment.name}, line {number + 1} of {len(lines)}: {len(lacking[0])} of {len(lines[number]) * len(seeds)} "
        f"runs are missing{f' ({busy} of them being trained elsewhere)' * (busy > 0)}; {len(hours)} remain in total, "
        f"{total(hours)}",
        flush=True,
    )
    kept = keep(experiment, lines, number)
    for job, seed in lacking[0]:
        runs = finished(experiment.results)
        if job.folder / f"seed{seed}" in runs and not job.run(runs, seed):  # it lacks statistics that are needed here
            call([*job.words, f"seed={seed}", "force=true", *kept])
    sweep = [*experiment.words, *experiment.lines()[number], f"seed={','.join(map(str, seeds))}"]
    call(["-m", *sweep, *kept, *[f"hydra/launcher={launcher}"] * bool(launcher)])


def keep(experiment: Experiment, lines: Sequence[Sequence[Job]], number: int) -> list[str]:
    """The word by which a line of single-task networks keeps best.pt, if runs of the plan learn from them."""
    learns = any(job.needs_teachers for line in lines for job in line)
    teachers = any(len(job.config["subset"]) == 1 for job in lines[number])
    word = {"none": ["keep=best"], "last": ["keep=both"]}.get(experiment.cfg.keep, [])
    return word if learns and teachers else []


def elsewhere(lacking: Sequence[tuple[Job, int]]) -> list[Path]:
    """The folders of those runs that another process is training."""
    return [folder for job, seed in lacking if is_held(folder := job.folder / f"seed{seed}")]


def missing(line: Sequence[Job], seeds: Sequence[int], runs: dict) -> list[tuple[Job, int]]:
    """The runs of the line that are not finished."""
    return [(job, seed) for job in line for seed in seeds if job.run(runs, seed) is None]


def call(words: Sequence[str]) -> None:
    """Calls train.py, which lists the runs that fail; here they are missing at the end."""
    done = subprocess.run([sys.executable, str(TRAIN), *words], check=False)
    if done.returncode in STOPPED:  # do not start the next line
        raise SystemExit(done.returncode)


def show(experiment: Experiment, jobs: Sequence[Job], seeds: Sequence[int], every_metric: bool) -> bool:
    """Prints the table, writes its files and prints their paths; returns whether all runs are finished."""
    runs = finished(experiment.results)
    found = [run for job in jobs for seed in seeds if (run := job.run(runs, seed))]
    lacking = missing(jobs, seeds, runs)
    if not found:
        print(f"{experiment.name}: none of {len(lacking)} runs has finished")
        return False
    configs = [(job.config, job.variant) for job in jobs]
    files, text = render(experiment.name, experiment.plan, found, configs, PAPER, every_metric)
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
