"""Tables of experiments with committed records: which are missing or lack a run, and making them without training."""

from collections.abc import Iterator
from pathlib import Path

from mtl import build
from mtl.experiment import Experiment, finished, of_make
from mtl.files import warn, write_whole
from mtl.places import PAPER
from mtl.report.names import DATASETS
from mtl.report.outputs import render
from mtl.report.web.stored import read_lines


def bring_up_to_date(results: Path, *, curves: bool) -> None:
    """Makes the tables of a results folder that lack a run with a record, and files that are missing.

    Args:
        results: The results folder.
        curves: Whether curves are needed, too.
    """
    for name in outdated(results, curves=curves):
        make_table(name, results)


def outdated(results: Path, *, curves: bool) -> Iterator[str]:
    """Names of the experiments without a table, or curves, or with a record of a run that is not in their summary."""
    for folder in sorted(results.glob("records/*")):
        made = [f"tables/{folder.name}.csv"]
        if curves and (experiment := named(folder.name)) and experiment.plan.get("curves"):
            made.append(f"summary/{folder.name}_curves.csv")
        if lacks_a_run(folder.name, results) or not all((results / path).exists() for path in made):
            yield folder.name


def lacks_a_run(name: str, results: Path) -> bool:
    """Whether there is a record of a run that is not in the summary of the experiment."""
    lines = read_lines(results / "summary" / f"{name}.csv")
    known = {f"{line['run']}/seed{line['seed']}" for line in lines.to_dict("records")}
    return bool({f"{p.parent.name}/{p.stem}" for p in (results / "records" / name).glob("*/seed*.json")} - known)


def make_table(name: str, results: Path) -> None:
    """Makes the table of an experiment from the seeds of its records, as `scripts/reproduce.py ... runs=no` does.

    If its summary has all of them, only missing files are written.
    """
    if not (experiment := named(name, f"results={results}")):
        warn(f"{results / 'records' / name}: no experiment has this name, so it is left out")
        return
    runs, jobs = finished(results), [job for line in experiment.jobs() for job in line]
    found = [run for job in jobs for seed in experiment.seeds() if (run := job.run(runs, seed))]
    if not found:
        warn(f"{results / 'records' / name}: no run of experiment={name} is among its records, so it is left out")
        return
    configs, whole = [(job.config, job.variant) for job in jobs], lacks_a_run(name, results)
    files, _ = render(name, experiment.plan, found, configs, PAPER, floors=experiment.floors())
    for path, content in files.items():
        if whole or not (results / path).exists():
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
