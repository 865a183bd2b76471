"""Records that are committed, in place of the folders of runs."""

import json
import shutil
from pathlib import Path

import pandas as pd
import pytest
from fake_runs import curves_of

from mtl.report.outputs import render
from mtl.report.read.committed import record_of, write_records
from mtl.report.read.curves import windowed
from mtl.report.read.runs import committed_run, finished_runs
from mtl.report.read.summary import summary

PAPER = Path(__file__).parents[3] / "results" / "paper"
NAME = "study_rooms"
EVALUATIONS = pd.DataFrame({"step": [10, 20], "epoch": [1, 2], "val/semseg/miou": [39.5, None], "presets": ["a", "a"]})


@pytest.fixture
def runs(two_seeds):
    """Runs with logs of 20 steps; their values do not end after five digits."""
    for place, run in enumerate(two_seeds):
        steps = range(1, 21)
        keys = curves_of(run.tasks).columns.drop("step")
        values = {key: [(place + number + step) / 7 for step in steps] for number, key in enumerate(keys)}
        pd.DataFrame({"step": steps} | values).to_csv(run.folder / "gradients.csv", index=False)
        EVALUATIONS.to_csv(run.folder / "metrics.csv", index=False)
    return two_seeds


def path_of(results, run, name=NAME):
    return results / "records" / name / run.folder.parent.name / f"{run.folder.name}.json"


def moved(results, runs):
    """The same runs by their records alone."""
    write_records(results, NAME, runs)
    shutil.rmtree(results / "runs")
    found = {run.folder: run for run in finished_runs(results)}
    return [found[run.folder] for run in runs]


def test_run_is_read_back_equal_without_its_folder(runs, tmp_path):
    again = moved(tmp_path, runs)
    assert again == runs
    assert [run.file for run in again] == [path_of(tmp_path, run) for run in runs]
    assert [run.scores() for run in again] == [run.scores() for run in runs]
    assert committed_run(runs[0].folder) == runs[0]
    assert committed_run(runs[0].folder.with_name("seed7")) is None


def test_table_and_curves_made_from_records_are_those_of_the_runs(runs, tmp_path):
    jobs = [(run.config, "") for run in runs if run.seed == 0]
    plan = {"records": True, "curves": ["gradient/norm", "weight"]}
    files, text = render(NAME, plan, runs, jobs, PAPER)
    again = render(NAME, plan, moved(tmp_path, runs), jobs, PAPER)
    assert again == (files, text)
    assert f"](../records/{NAME}/{runs[0].folder.parent.name}), seeds 0, 1: `python" in files[f"tables/{NAME}.md"]
    assert len(files[f"summary/{NAME}_curves.csv"].splitlines()) > 100
    assert "records" not in render(NAME, {}, runs, jobs, PAPER)[0][f"tables/{NAME}.md"]


@pytest.mark.parametrize("width", [1, 5, 7, 20, 100])
def test_curves_of_a_record_are_those_of_the_log_in_five_digits(runs, tmp_path, width):
    expected = windowed(runs, width)
    found = windowed(moved(tmp_path, runs), width)
    pd.testing.assert_frame_equal(found, expected, rtol=5.1e-5, check_exact=False)
    assert len(found) or width == 100


def test_windows_are_not_narrower_than_those_of_the_record(make_run, tmp_path):
    run = make_run("uniform", {"depth": 0.5}, steps=40)  # windows of 3 steps, the last one of 1
    pd.DataFrame({"step": range(1, 41), "weight/depth": range(1, 41)}).to_csv(run.folder / "gradients.csv", index=False)
    EVALUATIONS.to_csv(run.folder / "metrics.csv", index=False)
    stored = record_of(run)["curves"]
    assert stored["step"] == [*range(3, 40, 3), 40]
    assert stored["count"] == [3] * 13 + [1]
    (run,) = moved(tmp_path, [run])
    points = windowed([run], 1)
    assert points["step"].tolist() == [*range(3, 40, 3)]  # a final window shorter than half the width is dropped
    assert points["value"].tolist() == [*range(2, 40, 3)]


def test_windows_without_a_value_are_counted_by_key(make_run, tmp_path):
    run = make_run("uniform", {"depth": 0.5, "edge": 40}, steps=24)
    log = {"step": [1, 2, 3, 4], "weight/depth": [1, 2, 3, 4], "weight/edge": [1, None, None, None]}
    pd.DataFrame(log).to_csv(run.folder / "gradients.csv", index=False)
    EVALUATIONS.to_csv(run.folder / "metrics.csv", index=False)
    curves = record_of(run)["curves"]
    assert curves["count"] == [2, 2]
    assert curves["gaps"] == {"weight/edge": [1, 0]}
    expected = windowed([run], 2)
    (run,) = moved(tmp_path, [run])
    pd.testing.assert_frame_equal(windowed([run], 2), expected)
    assert windowed([run], 4)["count"].tolist() == [4, 1]


def test_run_without_logs_has_neither_evaluations_nor_curves(runs, tmp_path, caplog):
    (runs[0].folder / "metrics.csv").unlink()
    (runs[0].folder / "gradients.csv").write_text("step,weight/depth\n1,x\n")
    assert record_of(runs[0]) == dict(sorted(runs[0].record.items()))
    for line, name in zip(
        caplog.messages, ("metrics.csv is missing: the rec", "gradients.csv is damaged ("), strict=True
    ):
        assert line.startswith(f"{runs[0].folder}/{name}")
    assert windowed(moved(tmp_path, runs[:1]), 5).empty


def test_record_is_text_that_git_can_compare(runs, tmp_path):
    runs[0].record["best"]["scores"]["semseg"]["miou"] = 100 / 3
    write_records(tmp_path, NAME, runs[:1])
    text = path_of(tmp_path, runs[0]).read_text()
    content = json.loads(text)
    assert list(content) == sorted(content)
    assert [line.split('"')[1] for line in text.splitlines() if line.startswith(' "')] == list(content)
    assert "33.333333333333336" in text  # scores keep their digits
    assert content["evaluations"] == {"step": [10, 20], "val/semseg/miou": [39.5, None]}
    assert content["curves"]["value"]["weight/semseg"][:2] == [0.42857, 0.57143]


def test_record_names_no_folder_of_the_machine(runs, tmp_path):
    words = "experiment=demo data=/home/me/data 'results=/home/my results' 'weighter.method.weights={a: 1}' seed=0"
    changes = {"command": f"python train.py {words}"}
    changes["environment"] = runs[0].record["environment"] | {"command": f"'/home/my code/train.py' -m {words}"}
    changes["earlier_environments"] = [{"device": "cpu", "command": f"/home/me/train.py {words}"}, {"device": "cpu"}]
    runs[0].record.update(changes)
    kept = "experiment=demo 'weighter.method.weights={a: 1}' seed=0"
    expected = summary(runs[:1])
    (run,) = moved(tmp_path, runs[:1])
    assert "/home" not in path_of(tmp_path, run).read_text()
    assert run.record["command"] == run.command == f"python train.py {kept}"
    assert run.record["environment"]["command"] == f"train.py -m {kept}"
    assert run.record["earlier_environments"][0]["command"] == f"train.py {kept}"
    pd.testing.assert_frame_equal(summary([run]), expected)  # wherever the table is made


def test_equal_record_is_not_written_again_and_another_one_is(runs, tmp_path):
    write_records(tmp_path, NAME, runs)
    path = path_of(tmp_path, runs[0])
    path.write_text(text := path.read_text() + "\n")
    write_records(tmp_path, NAME, runs)
    assert path.read_text() == text
    runs[0].record["steps"] = 19
    write_records(tmp_path, NAME, runs)
    assert json.loads(path.read_text())["steps"] == 19
    path.write_text(text[:-9])
    write_records(tmp_path, NAME, runs)
    assert json.loads(path.read_text())["steps"] == 19


def test_record_of_one_experiment_is_copied_to_another_that_has_the_run(runs, tmp_path):
    again = moved(tmp_path, runs)
    write_records(tmp_path, "other_rooms", again)
    assert path_of(tmp_path, runs[0], "other_rooms").read_text() == path_of(tmp_path, runs[0]).read_text()
    shutil.rmtree(tmp_path / "records" / NAME)
    assert sorted(finished_runs(tmp_path), key=lambda run: run.folder) == sorted(runs, key=lambda run: run.folder)


def test_folder_of_a_run_counts_more_than_its_record(runs, tmp_path):
    write_records(tmp_path, NAME, runs)
    path = runs[0].folder / "record.json"
    path.write_text(json.dumps(runs[0].record | {"steps": 19}))
    assert {run.record["steps"] for run in finished_runs(tmp_path)} == {19, 20}
    assert not any(run.file for run in finished_runs(tmp_path))
    path.unlink()
    assert runs[0] in finished_runs(tmp_path)
    (runs[0].folder / "science.json").write_text("{}")  # it is being trained again
    assert len(finished_runs(tmp_path)) == len(runs) - 1
    assert committed_run(runs[0].folder) is None


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda text: text[:-9], "is damaged ("),
        (lambda text: text.replace('"seed": 0', '"seed": 1'), "is damaged (its seed is 1)"),
        (lambda text: text.replace('"mean_weights"', '"means"'), "is damaged (the document has no mean_weights)"),
        (lambda text: text.replace('"count": [1, ', '"count": ['), "is damaged (the lists of curves differ in length)"),
        (lambda text: text.replace('"step": [10, ', '"step": ["a", '), "is damaged (evaluations.step[0] is a str)"),
    ],
    ids=["cut", "seed", "key", "lists", "text"],
)
def test_damaged_record_is_named_once_and_the_run_is_missing(runs, tmp_path, caplog, change, reason):
    moved(tmp_path, runs)
    path = path_of(tmp_path, runs[0])
    path.write_text(change(before := path.read_text()))
    assert path.read_text() != before
    for _ in range(2):
        assert len(finished_runs(tmp_path)) == len(runs) - 1
    assert committed_run(runs[0].folder) is None
    (line,) = caplog.messages
    assert line.startswith(f"{path} {reason}")
    assert line.endswith(": restore it with git, or train the run again; until then it counts as missing")


def test_figure_is_drawn_from_the_windows_of_records(runs, tmp_path):
    jobs = [(run.config, "") for run in runs if run.seed == 0]
    plan = {"figure": ["uniform", "avgnorm"], "records": True}
    files, _ = render(NAME, plan, moved(tmp_path, runs), jobs, PAPER)
    assert files[f"figures/{NAME}.png"].startswith(b"\x89PNG")
