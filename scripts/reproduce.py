"""Trains what an experiment lacks, then makes its table: `python scripts/reproduce.py experiment=table2 dataset=nyud`.

Words besides those of train.py: seed=0,1,2 (0), runs=no (only render), metrics=all (also tables of the metrics that are
not primary), launcher=two|slurm|ray_gpu|joblib|basic (as the experiment says), and experiment=[table2,small] for a
small trial on rooms. Without dataset= the experiment's own, one after the other. Runs that are finished are not trained
again; a run that fails is listed, and the others go on.
"""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from mtl import cli
from mtl.experiment import Experiment, Job, datasets, finished, swept
from mtl.files import write_whole
from mtl.report.numbers.hours import expected_hours, total
from mtl.report.outputs import render
from mtl.run.device import choose_device
from mtl.run.record import environment

HOUSE = Path(__file__).parents[1]
TRAIN, PAPER = HOUSE / "train.py", HOUSE / "results" / "paper"
STOPPED = (130, 143, -2, -15)  # by Ctrl-C or SIGTERM: nothing more is wanted
OWN = {"seed": "0", "runs": "yes", "metrics": "primary", "launcher": ""}  # words that are not train.py's


def main() -> None:
    """Runs and renders the experiment on each of its datasets; exit code 1 where a run is missing in the end."""
    words = sys.argv[1:]
    given = dict(word.split("=", 1) for word in words if word.split("=", 1)[0] in OWN and "=" in word)
    own = OWN | given
    if own["runs"] not in ("yes", "no") or not all(seed.isdigit() for seed in own["seed"].split(",")):
        raise ValueError(f"runs={own['runs']} seed={own['seed']}: use runs=yes or runs=no, and seeds such as 0,1,2")
    if own["metrics"] not in ("primary", "all"):
        raise ValueError(f"metrics={own['metrics']}: use metrics=primary or metrics=all")
    seeds = [int(seed) for seed in own["seed"].split(",")]
    rest = [word for word in words if word.split("=", 1)[0] not in OWN]
    if len(swept(rest)) > 1:
        raise ValueError(f"{' '.join(rest)}: of the words here only seed takes several values")
    others = [word for word in rest if not word.startswith("dataset=")]
    whole = True
    for name in datasets(rest):
        experiment = Experiment([*others, f"dataset={name}"])
        lines = experiment.jobs()
        jobs = [job for line in lines for job in line]
        if own["runs"] == "yes" and missing(jobs, seeds, finished(experiment.results)):
            experiment.check_dataset()
            train(experiment, lines, seeds, own["launcher"])
        whole &= show(experiment, jobs, seeds, own["metrics"] == "all")
    if not whole:
        raise SystemExit(1)


def train(experiment: Experiment, jobs: Sequence[Sequence[Job]], seeds: Sequence[int], launcher: str) -> None:
    """Trains the missing runs, a line of the plan at a time."""
    device = environment(choose_device(experiment.cfg.device))["device"]
    for number, (line, words) in enumerate(zip(jobs, experiment.lines(), strict=True), 1):
        runs = finished(experiment.results)
        lacking = [missing(part, seeds, runs) for part in jobs[number - 1 :]]
        if not lacking[0]:
            continue
        hours = [
            expected_hours(job.config, job.config["recipe"]["steps"], runs.values(), device)
            for part in lacking
            for job, _ in part
        ]
        print(
            f"{experiment.name}, line {number} of {len(jobs)}: {len(lacking[0])} of {len(line) * len(seeds)} runs are "
            f"missing; to the end {len(hours)}, {total(hours)}",
            flush=True,
        )
        for job, seed in lacking[0]:
            if job.folder / f"seed{seed}" in runs:  # it has noted too little
                call([*job.words, f"seed={seed}", "force=true"])
        sweep = [*experiment.words, *words, f"seed={','.join(map(str, seeds))}"]
        call(["-m", *sweep, *[f"hydra/launcher={launcher}"] * bool(launcher)])


def missing(line: Sequence[Job], seeds: Sequence[int], runs: dict) -> list[tuple[Job, int]]:
    """Which runs of the line are not finished."""
    return [(job, seed) for job in line for seed in seeds if job.run(runs, seed) is None]


def call(words: Sequence[str]) -> None:
    """Calls train.py; what fails in there is listed there, and missing here later."""
    done = subprocess.run([sys.executable, str(TRAIN), *words], check=False)
    if done.returncode in STOPPED:
        raise SystemExit(done.returncode)


def show(experiment: Experiment, jobs: Sequence[Job], seeds: Sequence[int], every_metric: bool) -> bool:
    """Prints the table, writes its files and prints where; whether all runs are there."""
    runs = finished(experiment.results)
    found = [run for job in jobs for seed in seeds if (run := job.run(runs, seed))]
    lacking = missing(jobs, seeds, runs)
    if not found:
        print(f"{experiment.name}: none of {len(lacking)} runs is finished")
        return False
    configs = [(job.config, job.variant) for job in jobs]
    files, text = render(experiment.name, experiment.plan, found, configs, PAPER, every_metric)
    for name, content in files.items():
        write_whole(experiment.results / name, content)
    print(f"{text}\n")
    for job, seed in lacking:
        print(f"missing: python train.py {' '.join(job.words)} seed={seed}")
    print(*(experiment.results / name for name in files), sep="\n")
    return not lacking


if __name__ == "__main__":
    cli.run(main)
