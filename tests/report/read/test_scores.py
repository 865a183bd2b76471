from pathlib import Path

import pandas as pd
import pytest

from mtl.report.names import Setting
from mtl.report.read.scores import COLUMNS, our_scores, paper_scores, read_scores
from mtl.report.read.summary import summary

PAPER = Path(__file__).parents[3] / "results" / "paper"
NYUD = Setting("NYUD-v2", "ResNet-18", "Vanilla")


@pytest.fixture(scope="module")
def paper():
    return paper_scores(PAPER)


def test_paper_is_in_our_names(paper):
    assert list(paper.columns) == COLUMNS
    row = paper[(paper["source"] == "VI/NYUD-v2/MTAN/AvgNorm") & (paper["task"] == "normals")].squeeze()
    assert row["method"] == "AvgNorm"
    assert tuple(row[list(Setting._fields)]) == NYUD._replace(architecture="MTAN")
    assert (row["metric"], row["higher_is_better"]) == ("mean_angular_error", False)
    assert (row["value"], row["weight"], row["seed"], row["table"]) == (22.23, 3.87, 0, "VI")
    assert set(paper["task"]) == {"semseg", "human_parts", "depth", "normals", "saliency", "edge"}


def test_multi_task_rows_of_table_v_are_uniform_on_the_small_vit(paper):
    found = paper[paper["table"] == "V"]
    assert set(found["method"]) == {"Single-task", "Uniform"}
    assert set(found["backbone"]) == {"ViT-T/16"}
    assert set(found["initialization"]) == {""}
    assert found.loc[found["source"] == "V/Replica/clean/Single-task", "operation"].unique().tolist() == [""]


def test_run_is_a_line_for_each_of_its_tasks(make_run):
    runs = [
        make_run("uniform", {"edge": 61.5}, seed=2, seconds=0.5),
        make_run("avgnorm", {"semseg": 40, "edge": 60}, last={"semseg": 39, "edge": 59}, feature_distance=True),
    ]
    found = our_scores([summary(runs, {runs[1].folder.parent.name: "scope shared"})])
    assert list(found.columns) == COLUMNS
    assert found["method"].tolist() == ["Single-task", "AvgNorm", "AvgNorm"]
    assert found["task"].tolist() == ["edge", "semseg", "edge"]
    assert found["value"].tolist() == [61.5, 40, 60]
    assert found["last"].tolist() == [61.5, 39, 59]
    assert found["variant"].tolist() == ["", "scope shared", "scope shared"]
    assert found["seconds"].tolist() == [0.5, 0.1, 0.1]  # CPU time
    assert found["memory"].tolist() == [100, 200, 200]
    assert found["feature_distance"].tolist() == [False, True, True]
    assert found["source"].tolist()[0] == f"{runs[0].folder.parent.name}/seed2"
    assert found["weight"].tolist() == [1, 1, 1]


def test_time_on_a_gpu_is_wall_time(make_run):
    run = make_run("uniform", {"edge": 61.5}, seconds=0.5, device="cuda (A)")
    assert our_scores([summary([run])])["seconds"].tolist() == [5]


def test_run_in_two_summaries_counts_once(make_run):
    uniform = make_run("uniform", {"semseg": 40, "edge": 60})
    both = [summary([uniform]), summary([uniform, make_run("avgnorm", {"semseg": 41, "edge": 61})])]
    assert our_scores(both)["method"].tolist() == ["Uniform", "Uniform", "AvgNorm", "AvgNorm"]
    assert len(our_scores([summary([uniform]), summary([make_run("uniform", {"semseg": 1, "edge": 2}, seed=1)])])) == 4


@pytest.mark.parametrize(("task", "preset"), [("edge", "sak"), ("normals", "invpt"), ("saliency", "survey")])
def test_numbers_of_two_presets_are_refused(make_run, task, preset):
    single = make_run("uniform", {task: 60})
    multi = make_run("avgnorm", {"semseg": 40, task: 61})
    multi.record["metrics"][task]["preset"] = preset
    with pytest.raises(ValueError, match=rf"{task} on rooms is evaluated with preset '{preset}' in .*avgnorm.* but "):
        our_scores([summary([single]), summary([multi])])


def test_run_from_before_presets_had_names_is_compared(make_run):
    runs = [make_run(name, {"semseg": 40, "normals": 20}) for name in ("uniform", "avgnorm")]
    runs[1].record["metrics"]["normals"]["preset"] = None  # equal configs mean equal metrics
    assert len(our_scores([summary(runs)])) == 4


def test_nan_score_stays_nan(make_run):
    found = our_scores([summary([make_run("mgda", {"semseg": 40, "depth": float("nan")})])])
    assert found["metric"].tolist() == ["miou", "rmse"]
    assert found["value"].isna().tolist() == [False, True]


def test_results_are_read_back_as_they_were(make_run, tmp_path):
    runs = [make_run("uniform", {"semseg": 40, "depth": 0.5}), make_run("uniform", {"depth": 0.4})]
    summary(runs).to_csv(tmp_path / "table2_rooms.csv", index=False)
    pd.testing.assert_frame_equal(read_scores(tmp_path), our_scores([summary(runs)]), check_dtype=False)


def test_only_summaries_of_experiments_of_the_paper_are_read(make_run, tmp_path):
    lines = [summary([make_run(name, {"semseg": 40, "depth": 0.5})]) for name in ("uniform", "avgnorm", "uw", "dwa")]
    names = ("demo", "weighters_rooms", "table2_rooms", "figures_rooms")
    for name, frame in zip(names, lines, strict=True):
        frame.to_csv(tmp_path / f"{name}.csv", index=False)
    (tmp_path / "figures_rooms_curves.csv").write_text("key,step\ngradient/norm/depth,10\n")
    (tmp_path / "claims.csv").write_text("number\n1\n")
    assert read_scores(tmp_path)["method"].unique().tolist() == ["DWA", "UW"]


def test_summary_without_scores_of_one_of_its_tasks_is_refused(make_run):
    lines = summary([make_run("uniform", {"semseg": 40, "depth": 0.5})])
    with pytest.raises(ValueError, match=r"summary of .*uniform.* has no scores of depth: make it again"):
        our_scores([lines.drop(columns=[column for column in lines if column.startswith("best/depth/")])])


def test_no_summaries_are_no_results(tmp_path):
    assert read_scores(tmp_path).columns.tolist() == COLUMNS
