"""What an experiment is expected to take, from measurements that are made up."""

import json
import subprocess
from io import StringIO
from pathlib import Path
from types import SimpleNamespace

import pytest

from mtl.cli.costs import Costs, launched, length
from mtl.experiment import Experiment

COST = {"step": 36, "image": 0, "start": 0, "save": 0, "launch": 0, "epoch": 100, "val": 240, "test": 0}
COST |= {"parameters": 2**28, "memory_mib": 2048.0}
PLAN = 'plan.runs=["subset=depth,edge","weighter=uniform"]'


@pytest.fixture
def experiment(tmp_path) -> Experiment:
    return Experiment(["experiment=demo", PLAN, "recipe.steps=100", "device=cpu", f"results={tmp_path}"])


@pytest.fixture
def orders(monkeypatch) -> list[dict]:
    """What the processes that measure were asked for; they write `COST` for each."""
    asked = []

    class Pipe(StringIO):
        def __exit__(self, *_):
            for order in json.loads(self.getvalue()):
                asked.append(order)
                Path(order["file"]).parent.mkdir(exist_ok=True)
                Path(order["file"]).write_text(json.dumps(COST))

    def process(command, **_):
        return SimpleNamespace(stdin=Pipe(), wait=lambda: 0, kill=lambda: None)

    monkeypatch.setattr(subprocess, "Popen", process)
    return asked


def missing(experiment, seeds=(0,)):
    lines = experiment.jobs()
    return [job for line in lines for job in line], [[(job, seed) for job in line for seed in seeds] for line in lines]


def test_every_network_is_measured_once(experiment, orders, monkeypatch, capsys):
    monkeypatch.setattr("mtl.run.record.device_name", lambda _: "cpu (A)")
    jobs, _ = missing(experiment)
    for _ in range(2):
        Costs(experiment).measure(jobs, {})
    words = [order["words"][-1] for order in orders]
    assert words == ["subset=depth", "weighter=uniform", "subset=edge"]  # two processes measure, as two will train
    assert capsys.readouterr().out.count("measures 3 steps and 8 evaluated images of 3 networks") == 1
    monkeypatch.setattr("mtl.run.record.device_name", lambda _: "cpu (B)")
    Costs(experiment).measure(jobs, {})
    assert len(orders) == 6


def test_lines_are_trained_one_after_another_with_two_runs_at_a_time(experiment, orders):
    jobs, lines = missing(experiment, seeds=(0, 1, 2))
    costs = Costs(experiment)  # the launcher of the demo trains two
    costs.measure(jobs, {})
    assert costs.estimate(lines, {}) == "about 5 hours with 2 at a time"  # 6 runs and 3 runs, an hour each
    costs = Costs(experiment, ["hydra/launcher=basic"])
    assert costs.estimate(lines, {}) == "9 of them without an estimate"  # one alone does not take as long
    costs.measure(jobs, {})
    assert costs.estimate(lines, {}) == "about 9 hours"


def test_networks_that_could_not_be_measured_are_counted(experiment, orders):
    jobs, lines = missing(experiment)
    costs = Costs(experiment, ["hydra/launcher=basic"])
    costs.measure(jobs[:2], {})
    assert costs.estimate(lines, {}) == "about 2 hours and 1 of them without an estimate"


def test_nothing_is_measured_for_a_cluster(experiment, orders):
    jobs, lines = missing(experiment)
    costs = Costs(experiment, ["hydra/launcher=slurm"])
    costs.measure(jobs, {})
    assert orders == []
    assert costs.estimate(lines, {}) == "3 of them without an estimate"


def test_table_has_a_row_per_network_and_their_sums(experiment, orders):
    jobs, lines = missing(experiment, seeds=(0, 1))
    costs = Costs(experiment, ["hydra/launcher=basic"])
    costs.measure(jobs[1:], {})
    lines[1] = lines[1][:1]  # one of two runs is finished
    rows = [row.split("  ") for row in costs.table(experiment.jobs(), 2, lines, {}, kept=[1, 2]).splitlines()]
    cells = [[cell.strip() for cell in row if cell.strip()] for row in rows]
    assert cells[2:] == [
        ["subset=depth", "0", "2", "?", "?", "?"],
        ["subset=edge", "0", "2", "2.000", "2.000", "2.0"],
        ["weighter=uniform", "1", "1", "1.000", "2.000", "2.0"],
        ["all", "1", "5", "3.000", "4.000", "2.0"],
    ]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ([], (1, True, False)),
        (["experiment=demo"], (2, True, False)),
        (["hydra/launcher=gpus"], (4, True, True)),
        (["hydra/launcher=gpus", "processes=2"], (2, True, True)),
        (["hydra/launcher=slurm"], (16, False, False)),
    ],
)
def test_launchers_differ_in_runs_at_a_time_and_in_place(monkeypatch, words, expected):
    monkeypatch.setattr("torch.cuda.device_count", lambda: 4)
    assert launched(words) == expected


@pytest.mark.parametrize(
    ("seconds", "text"), [(5.2, "5.2 seconds"), (150, "2.5 minutes"), (3600, "60 minutes"), (40000, "11.1 hours")]
)
def test_short_times_are_in_minutes(seconds, text):
    assert length(seconds) == text
