"""Writes everything in the results folder to one HTML page: `python scripts/report.py dataset=rooms`."""

import sys
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path

from mtl import build, cli
from mtl.experiment import Experiment, finished, of_make
from mtl.files import warn, write_whole
from mtl.places import PAPER
from mtl.report.claims.sources import chosen_evidence
from mtl.report.names import DATASETS
from mtl.report.outputs import render
from mtl.report.web.page import Made, page
from mtl.report.web.stored import read_lines

OWN = {
    "dataset": ("", "judge the claims as scripts/claims.py dataset=... does"),
    "results": ("results", "folder of the results"),
}


def main(own: Mapping[str, str]) -> None:
    """Writes `report.html` to the results folder, and first the tables of studies that lack runs with a record."""
    results = Path(own["results"])
    for name in outdated(results):
        make_table(name, results)
    ours = chosen_evidence(results, own["dataset"])
    command = " ".join(["python scripts/report.py", *sys.argv[1:]])
    about = Made(command, datetime.now(UTC).strftime("%d %B %Y, %H:%M UTC"))
    path = results / "report.html"
    write_whole(path, page(results, PAPER, ours, about, planned))
    print(f"{path}, {path.stat().st_size / 2**20:.1f} MiB")


def outdated(results: Path) -> Iterator[str]:
    """Names of the experiments without a table, or with a record of a run that is not in their summary."""
    for folder in sorted(results.glob("records/*")):
        lines = read_lines(results / "summary" / f"{folder.name}.csv")
        known = {f"{line['run']}/seed{line['seed']}" for line in lines.to_dict("records")}
        stored = {f"{path.parent.name}/{path.stem}" for path in folder.glob("*/seed*.json")}
        if stored - known or not (results / "tables" / f"{folder.name}.csv").exists():
            yield folder.name


def make_table(name: str, results: Path) -> None:
    """Makes the table of an experiment from all seeds that have runs, as `scripts/reproduce.py ... runs=no` does."""
    if not (experiment := named(name, f"results={results}")):
        warn(f"{results / 'records' / name}: no experiment has this name, so it is left out")
        return
    runs, jobs = finished(results), [job for line in experiment.jobs() for job in line]
    seeds = sorted({run.seed for run in runs.values()})
    found = [run for job in jobs for seed in seeds if (run := job.run(runs, seed))]
    if not found:
        warn(f"{results / 'records' / name}: no run of experiment={name} is among its records, so it is left out")
        return
    configs = [(job.config, job.variant) for job in jobs]
    files, _ = render(name, experiment.plan, found, configs, PAPER, floors=experiment.floors())
    for path, content in files.items():
        write_whole(results / path, content)


def planned(name: str) -> int | None:
    """Number of networks in a section such as `table2_nyud`; None for a small trial, which is known by name alone."""
    experiment = named(name)
    return experiment.count() if experiment else None


def named(name: str, *words: str) -> Experiment | None:
    """The experiment whose files have a name such as `study_camvid` or `table2_nyud`; None if there is none.

    Args:
        name: The name.
        words: Further words of train.py.
    """
    if (build.CONFIGS / "experiment" / f"{name}.yaml").exists():
        return Experiment([f"experiment={name}", *words])
    experiment, _, dataset = name.partition("_")
    known = (build.CONFIGS / "experiment" / f"{experiment}.yaml").exists()
    return of_make(experiment, dataset, *words) if known and dataset in DATASETS else None


if __name__ == "__main__":
    cli.run(main, __doc__, OWN)
