"""Makes the demo's table and figure from its runs with `scripts/reproduce.py`."""

import shutil

import pytest

from mtl.experiment import Experiment

WORDS = ["experiment=demo", "dataset=rooms", "subset=[semseg,depth]"]


@pytest.fixture
def demo(make_run, run_script, tmp_path):
    """Renders the demo with two tasks, except the run of the given tasks; returns exit status and output."""

    def render(*more, without=()):
        experiment = Experiment([*WORDS, f"results={tmp_path}"])
        for job in (job for line in experiment.jobs() for job in line):
            config, tasks = job.config, job.config["subset"]
            if tasks != list(without):
                scores = {"semseg": 42 if len(tasks) > 1 else 40, "depth": 0.4 if len(tasks) > 1 else 0.5}
                own = {task: scores[task] for task in tasks}
                run = make_run(config["weighter"]["name"], own, config=config, digest=job.folder.name[-8:])
                (run.folder / "metrics.csv").write_text("step\n20\n")
        return run_script("reproduce", *WORDS, f"results={tmp_path}", "runs=no", *more)[:2]

    return render


def paths_in(folder):
    return sorted(str(path) for part in ("summary", "tables", "figures") for path in (folder / part).iterdir())


def test_demo_ends_with_its_table_and_the_paths_of_its_files(demo, tmp_path):
    status, printed = demo()
    lines = printed.splitlines()
    assert status == 0
    assert lines[0] == "rooms, ResNet-tiny, Vanilla"
    assert [line.split()[0] for line in lines[6:10]] == ["Single-task", "Uniform", "Grid", "AvgNorm"]
    assert sorted(lines[-5:]) == paths_in(tmp_path)
    assert [path.stat().st_size > 20_000 for path in (tmp_path / "figures").iterdir()] == [True]
    (table,) = (tmp_path / "tables").glob("demo_rooms-*.md")  # overrides change the name
    assert "| AvgNorm " in table.read_text(encoding="utf-8")
    assert len(next((tmp_path / "summary").iterdir()).read_text().splitlines()) == 6
    assert max(len(line) for line in lines if line.startswith(("method", "Single", "AvgNorm"))) <= 120  # the console


def test_missing_network_is_named_with_its_command_and_its_numbers_stay_empty(demo, tmp_path):
    status, printed = demo(without=["depth"])
    assert status == 1
    command = (
        f"python train.py experiment=demo subset=[semseg,depth] results={tmp_path} dataset=rooms subset=depth seed=0"
    )
    assert f"missing: {command}\n" in printed
    avgnorm = next(line for line in printed.splitlines() if line.startswith("AvgNorm"))
    assert avgnorm.split() == ["AvgNorm", "42.00", "0.4000"]  # and no Delta_m


def test_records_are_all_that_a_table_needs(demo, run_script, tmp_path):
    words = ["+plan.records=true", "plan.figure=false"]
    first = demo(*words)
    tables = {path: path.read_bytes() for path in [*tmp_path.glob("summary/*"), *tmp_path.glob("tables/*")]}
    assert first[0] == 0
    assert b"](../records/demo_rooms-" in next(tmp_path.glob("tables/*.md")).read_bytes()
    for path in (tmp_path / "runs", *tables):
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    assert run_script("reproduce", *WORDS, f"results={tmp_path}", "runs=no", *words)[:2] == first
    assert {path: path.read_bytes() for path in tables} == tables
