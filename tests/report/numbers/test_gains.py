from pathlib import Path

import pandas as pd
import pytest
from fake_runs import PLAIN, lines_of, results_of

from mtl.report.misprints import check, read_tables
from mtl.report.names import Setting
from mtl.report.numbers.gains import chosen_baseline, delta_by_seed, own_baseline, published_baseline, with_gains
from mtl.report.read.scores import COLUMNS, paper_scores

PAPER = Path(__file__).parents[3] / "results" / "paper"
NYUD = Setting("NYUD-v2", "ResNet-18", "Vanilla")


def delta(results, method="Uniform", baseline=published_baseline, column="value"):
    deltas = delta_by_seed(with_gains(results, baseline, column))
    return deltas.xs(method, level="method").tolist()


def test_delta_m_of_the_paper_follows_from_its_cells_where_it_is_no_misprint():
    printed = {finding.row: finding for finding in check(read_tables(PAPER))}
    deltas = with_gains(paper_scores(PAPER)).groupby("source")["gain"].agg(lambda gains: gains.mean(skipna=False))
    agree = {row for row, delta in deltas.items() if abs(delta - float(printed[row].printed)) <= 0.02}
    assert len(deltas) == len(printed) == 141
    assert agree == {row for row, finding in printed.items() if finding.verdict == "ok"}
    assert len(agree) == 122


def test_no_scores_have_no_gains():
    assert with_gains(pd.DataFrame(columns=COLUMNS)).empty


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


def test_delta_m_divides_by_the_papers_choice_or_by_the_first_row():
    mtan, other = PLAIN._replace(architecture="MTAN"), PLAIN._replace(backbone="other")
    paper_like = chosen_baseline([(*PLAIN, "Single-task", ""), (*mtan, "Single-task", "")])
    assert paper_like(mtan) == paper_like(PLAIN) == PLAIN
    assert chosen_baseline([(*other, "Single-task", ""), (*mtan, "Uniform", "")])(mtan) == other
