"""Validation scores during training, from run folders and from committed records."""

import pandas as pd
import pytest

from mtl.report.read.committed import write_records
from mtl.report.read.evaluations import learning_curves
from mtl.report.read.runs import finished_runs


@pytest.fixture
def runs(two_seeds):
    """Runs with three evaluations each: half of the last score, 90 % of it, the last score."""
    for run in two_seeds:
        last = {task: run.primary(task, "last") for task in run.tasks}
        names = {task: f"val/{task}/{run.record['metrics'][task]['primary']}" for task in run.tasks}
        log = {"step": [5, 10, 20], "train/mean_loss/semseg": [3.0, 2.0, 1.0], "test/semseg/miou": [1.0, 1.0, 1.0]}
        log |= {names[task]: [0.5 * value, 0.9 * value, value] for task, value in last.items()}
        pd.DataFrame(log).to_csv(run.folder / "metrics.csv", index=False)
    return two_seeds


def test_every_evaluation_of_every_task_has_a_line(runs):
    curves = learning_curves(runs)
    assert len(curves) == 3 * 2 * (2 + 3 * 2)  # evaluations, seeds, tasks of single-task networks and three others
    own = curves[(curves["method"] == "AvgNorm") & (curves["seed"] == 1)]
    assert own[own["task"] == "depth"]["value"].tolist() == pytest.approx([0.18, 0.324, 0.36])
    assert own["metric"].unique().tolist() == ["miou", "rmse"]
    assert own["higher_is_better"].unique().tolist() == [True, False]
    assert own["step"].tolist() == [5, 10, 20] * 2


def test_records_have_the_evaluations_of_the_runs(runs, tmp_path):
    expected = learning_curves(runs)
    write_records(tmp_path / "elsewhere", "study", runs)
    moved = {run.folder.parts[-2:]: run for run in finished_runs(tmp_path / "elsewhere")}
    found = learning_curves([moved[run.folder.parts[-2:]] for run in runs])
    pd.testing.assert_frame_equal(found, expected)


def test_runs_without_evaluations_are_left_out(runs, caplog):
    (runs[0].folder / "metrics.csv").unlink()
    (runs[1].folder / "metrics.csv").write_text("step,val/depth/rmse\n5,x\n")
    assert len(learning_curves(runs)) == len(learning_curves(runs[2:])) > 0
    missing, damaged = caplog.messages[:2]
    assert missing == f"{runs[0].folder / 'metrics.csv'} is missing: the record of the run has no evaluations"
    assert "is damaged" in damaged
    assert learning_curves(runs[:2]).empty
