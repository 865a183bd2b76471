from pathlib import Path

import pandas as pd
import pytest
from fake_runs import PLAIN, lines_of, results_of

from mtl.report.address import Setting
from mtl.report.misprints import check, read_tables
from mtl.report.results import (
    COLUMNS,
    delta_by_seed,
    our_results,
    own_baseline,
    paper_results,
    published_baseline,
    read_results,
    with_gains,
)
from mtl.report.summary import summary

PAPER = Path(__file__).parents[2] / "results" / "paper"
NYUD = Setting("NYUD-v2", "ResNet-18", "Vanilla")


@pytest.fixture(scope="module")
def paper():
    return paper_results(PAPER)


def delta(results, method="Uniform", baseline=published_baseline, column="value"):
    deltas = delta_by_seed(with_gains(results, baseline, column))
    return deltas.xs(method, level="method").tolist()


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


def test_delta_m_of_the_paper_follows_from_its_cells_where_it_is_no_misprint(paper):
    printed = {finding.row: finding for finding in check(read_tables(PAPER))}
    deltas = with_gains(paper).groupby("source")["gain"].agg(lambda gains: gains.mean(skipna=False))
    agree = {row for row, delta in deltas.items() if abs(delta - float(printed[row].printed)) <= 0.02}
    assert len(deltas) == len(printed) == 141
    assert agree == {row for row, finding in printed.items() if finding.verdict == "ok"}
    assert len(agree) == 122


def test_run_is_a_line_for_each_of_its_tasks(make_run):
    runs = [
        make_run("uniform", {"edge": 61.5}, seed=2, seconds=0.5),
        make_run("avgnorm", {"semseg": 40, "edge": 60}, last={"semseg": 39, "edge": 59}),
    ]
    found = our_results([summary(runs, {runs[1].folder.parent.name: "scope shared"})])
    assert list(found.columns) == COLUMNS
    assert found["method"].tolist() == ["Single-task", "AvgNorm", "AvgNorm"]
    assert found["task"].tolist() == ["edge", "semseg", "edge"]
    assert found["value"].tolist() == [61.5, 40, 60]
    assert found["last"].tolist() == [61.5, 39, 59]
    assert found["variant"].tolist() == ["", "scope shared", "scope shared"]
    assert found["seconds"].tolist() == [0.5, 0.1, 0.1]  # CPU time
    assert found["memory"].tolist() == [100, 200, 200]
    assert found["source"].tolist()[0] == f"{runs[0].folder.parent.name}/seed2"
    assert found["weight"].tolist() == [1, 1, 1]


def test_time_on_a_gpu_is_wall_time(make_run):
    run = make_run("uniform", {"edge": 61.5}, seconds=0.5, device="cuda (A)")
    assert our_results([summary([run])])["seconds"].tolist() == [5]


def test_run_in_two_summaries_counts_once(make_run):
    uniform = make_run("uniform", {"semseg": 40, "edge": 60})
    both = [summary([uniform]), summary([uniform, make_run("avgnorm", {"semseg": 41, "edge": 61})])]
    assert our_results(both)["method"].tolist() == ["Uniform", "Uniform", "AvgNorm", "AvgNorm"]
    assert len(our_results([summary([uniform]), summary([make_run("uniform", {"semseg": 1, "edge": 2}, seed=1)])])) == 4


@pytest.mark.parametrize(("task", "preset"), [("edge", "sak"), ("normals", "invpt"), ("saliency", "survey")])
def test_numbers_of_two_presets_are_refused(make_run, task, preset):
    single = make_run("uniform", {task: 60})
    multi = make_run("avgnorm", {"semseg": 40, task: 61})
    multi.record["metrics"][task]["preset"] = preset
    with pytest.raises(ValueError, match=rf"{task} on rooms is judged by the preset '{preset}' in .*avgnorm.* but by "):
        our_results([summary([single]), summary([multi])])


def test_score_that_is_not_a_number_stays_one(make_run):
    found = our_results([summary([make_run("mgda", {"semseg": 40, "depth": float("nan")})])])
    assert found["metric"].tolist() == ["miou", "rmse"]
    assert found["value"].isna().tolist() == [False, True]


def test_results_are_read_back_as_they_were(make_run, tmp_path):
    runs = [make_run("uniform", {"semseg": 40, "depth": 0.5}), make_run("uniform", {"depth": 0.4})]
    summary(runs).to_csv(tmp_path / "table2_rooms.csv", index=False)
    pd.testing.assert_frame_equal(read_results(tmp_path), our_results([summary(runs)]), check_dtype=False)


def test_only_summaries_of_experiments_of_the_paper_are_read(make_run, tmp_path):
    lines = [summary([make_run(name, {"semseg": 40, "depth": 0.5})]) for name in ("uniform", "avgnorm", "uw", "dwa")]
    names = ("demo", "weighters_rooms", "table2_rooms", "figures_rooms")
    for name, frame in zip(names, lines, strict=True):
        frame.to_csv(tmp_path / f"{name}.csv", index=False)
    (tmp_path / "figures_rooms_curves.csv").write_text("key,step\ngradient/norm/depth,10\n")
    (tmp_path / "claims.csv").write_text("number\n1\n")
    assert read_results(tmp_path)["method"].unique().tolist() == ["DWA", "UW"]


def test_no_summaries_are_no_results(tmp_path):
    assert read_results(tmp_path).columns.tolist() == COLUMNS
    assert with_gains(read_results(tmp_path)).empty


def test_delta_m_is_the_mean_gain_over_the_single_task_networks_of_the_seed():
    results = results_of(
        lines_of("Single-task", {"semseg": 40, "depth": 0.5}),
        lines_of("Single-task", {"semseg": 50, "depth": 0.4}, seed=1),
        lines_of("Uniform", {"semseg": 38, "depth": 0.45}),  # -5, +10
        lines_of("Uniform", {"semseg": 45, "depth": 0.42}, seed=1),  # -10, -5
    )
    assert with_gains(results)["gain"].tolist() == pytest.approx([0, 0, 0, 0, -5, 10, -10, -5])
    assert delta(results) == pytest.approx([2.5, -7.5])


def test_gains_of_the_last_evaluation_are_over_the_last_of_the_baseline():
    results = results_of(
        lines_of("Single-task", {"semseg": 40}, last={"semseg": 20}),
        lines_of("Uniform", {"semseg": 44}, last={"semseg": 30}),
    )
    assert delta(results) == pytest.approx([10])
    assert delta(results, column="last") == pytest.approx([50])


@pytest.mark.parametrize("single", [{"semseg": 40}, {"semseg": 40, "depth": 0.0}])
def test_gain_is_missing_where_the_baseline_is_missing_or_zero(single):
    results = results_of(lines_of("Single-task", single), lines_of("Uniform", {"semseg": 44, "depth": 0.5}))
    gains = with_gains(results).set_index(["method", "task"])["gain"]
    assert gains["Uniform", "semseg"] == pytest.approx(10)
    assert pd.isna(gains["Uniform", "depth"])
    assert pd.isna(delta(results)).all()


def test_baseline_of_another_seed_is_none():
    assert pd.isna(
        delta(results_of(lines_of("Single-task", {"semseg": 40}, seed=1), lines_of("Uniform", {"semseg": 44})))
    ).all()


@pytest.mark.parametrize(
    ("setting", "baseline"),
    [
        (NYUD, NYUD),
        (NYUD._replace(architecture="MTAN"), NYUD),
        (NYUD._replace(initialization="DINO-v2"), NYUD._replace(initialization="ImageNet-1K")),
        (Setting("Replica", "ViT-T/16", "InvPT", "", "Noise"), Setting("Replica", "ViT-T/16", "InvPT")),
    ],
)
def test_published_baseline_is_what_the_paper_divides_by(setting, baseline):
    assert published_baseline(setting) == baseline
    assert own_baseline(setting) == setting


def test_architecture_is_judged_by_vanilla_networks_or_by_its_own():
    mtan = PLAIN._replace(architecture="MTAN")
    results = results_of(
        lines_of("Single-task", {"semseg": 40}),
        lines_of("Single-task", {"semseg": 50}, setting=mtan),
        lines_of("Uniform", {"semseg": 45}, setting=mtan),
    )
    assert delta(results) == pytest.approx([12.5])
    assert delta(results, baseline=own_baseline) == pytest.approx([-10])
    assert delta(results, "Single-task") == pytest.approx([0, 25])
