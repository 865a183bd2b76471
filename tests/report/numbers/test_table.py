import math

import pandas as pd
import pytest
from fake_runs import PLAIN, lines_of, results_of

from mtl.report.numbers.gains import published_baseline
from mtl.report.numbers.table import best_rows, table_of, with_other_metrics
from mtl.report.read.summary import summary

MTAN = PLAIN._replace(architecture="MTAN")
NONE = results_of()


def row(method, setting=PLAIN, variant=""):
    return (*setting, method, variant)


ROWS = [row("Single-task"), row("Uniform"), row("AvgNorm")]


@pytest.fixture
def ours():
    """Two seeds: Uniform gains -5, +10 and -10, -5 percent, AvgNorm +5, +20 and 0, +10."""
    return results_of(
        lines_of("Single-task", {"semseg": 40, "depth": 0.5}, seconds=0.05),
        lines_of("Single-task", {"semseg": 50, "depth": 0.4}, seconds=0.05, seed=1),
        lines_of("Uniform", {"semseg": 38, "depth": 0.45}),
        lines_of("Uniform", {"semseg": 45, "depth": 0.42}, seed=1),
        lines_of("AvgNorm", {"semseg": 42, "depth": 0.40}, weights={"semseg": 1, "depth": 3}, seconds=0.12),
        lines_of("AvgNorm", {"semseg": 50, "depth": 0.36}, weights={"semseg": 2, "depth": 5}, seconds=0.12, seed=1),
    )


def made(ours, paper=NONE, rows=ROWS):
    return table_of(ours, paper, rows, published_baseline)


def seeds_of(method, *values):
    return [line for seed, value in enumerate(values) for line in lines_of(method, {"semseg": value}, seed=seed)]


def test_rows_are_in_the_order_of_the_plan(ours):
    rows = ROWS[::-1]
    assert made(ours, rows=rows).index.tolist() == rows


def test_numbers_are_means_and_sample_deviations_over_seeds(ours):
    table = made(ours)
    assert table.loc[row("Uniform"), ("ours", "semseg")] == 41.5
    assert table.loc[row("Uniform"), ("std", "semseg")] == pytest.approx(7 / 2**0.5)
    assert table["ours", "delta_m"].tolist() == pytest.approx([0, (2.5 - 7.5) / 2, (12.5 + 5) / 2])
    assert table.loc[row("Uniform"), ("std", "delta_m")] == pytest.approx(10 / 2**0.5)
    assert table["runs", "seeds"].tolist() == [2, 2, 2]


def test_one_seed_has_no_deviation(ours):
    table = made(ours[ours["seed"] == 0])
    assert table["std"].isna().all(axis=None)
    assert table["runs", "seeds"].tolist() == [1, 1, 1]


def test_last_delta_m_is_of_the_last_evaluation():
    results = results_of(
        lines_of("Single-task", {"semseg": 40}, last={"semseg": 20}),
        lines_of("Uniform", {"semseg": 44}, last={"semseg": 30}),
    )
    table = made(results, rows=ROWS[:2])
    assert table["ours", "delta_m"].tolist() == pytest.approx([0, 10])
    assert table["last", "delta_m"].tolist() == pytest.approx([0, 50])


def test_difference_is_ours_less_the_papers(ours):
    paper = results_of(
        lines_of("Single-task", {"semseg": 40, "depth": 0.5}),
        lines_of("Uniform", {"semseg": 40, "depth": 0.55}, weights={"semseg": 1, "depth": 1}),  # 0, -10
    )
    table = made(ours, paper)
    uniform = table.loc[row("Uniform")]
    assert uniform[[("paper", "semseg"), ("paper", "delta_m")]].tolist() == pytest.approx([40, -5])
    assert uniform["difference"].to_dict() == pytest.approx({"semseg": 1.5, "depth": -0.115, "delta_m": 2.5})
    assert table.loc[row("AvgNorm"), ["paper", "difference"]].isna().all()
    assert table.loc[row("Uniform"), ("printed", "depth")] == 1


def test_without_printed_numbers_there_are_no_columns_for_them(ours):
    assert set(made(ours).columns.get_level_values(0)) == {
        *("ours", "std", "noise", "last", "rank", "weight", "cost", "runs")
    }


def test_only_the_papers_numbers_are_shown_before_the_first_run(ours):
    table = made(NONE, ours[ours["seed"] == 0])
    assert table["paper", "delta_m"].tolist() == pytest.approx([0, 2.5, 12.5])
    assert table["ours"].isna().all(axis=None)
    assert table["runs", "seeds"].tolist() == [0, 0, 0]


def test_missing_row_is_nan_and_has_no_seeds(ours):
    table = made(ours, rows=[*ROWS, row("UW")])
    numbers = table.loc[row("UW")].drop(["noise", "runs"])
    assert numbers.isna().all()
    assert table.loc[row("UW"), ("runs", "seeds")] == 0
    assert not table.loc[row("UW"), "noise"].any()


def test_single_task_row_that_lacks_a_network_has_neither_delta_m_nor_cost(ours):
    table = made(ours[~((ours["method"] == "Single-task") & (ours["task"] == "depth"))])
    single = table.loc[row("Single-task")]
    assert single["ours", "semseg"] == 45
    assert single[[("ours", "depth"), ("ours", "delta_m"), ("last", "delta_m"), ("cost", "time")]].isna().all()
    assert table.loc[row("Uniform"), [("ours", "delta_m"), ("last", "delta_m")]].isna().all()


def test_best_row_of_every_block_is_a_multi_task_row():
    results = results_of(
        lines_of("Single-task", {"depth": 0.1}),
        lines_of("Uniform", {"depth": 0.4}),
        lines_of("AvgNorm", {"depth": 0.5}),
        lines_of("Uniform", {"depth": 0.3}, setting=MTAN),
        lines_of("AvgNorm", {"depth": 0.2}, setting=MTAN),
    )
    table = made(results, rows=[*ROWS, row("Uniform", MTAN), row("AvgNorm", MTAN)])
    assert best_rows(table, "depth", False) == {row("Uniform"), row("AvgNorm", MTAN)}
    assert best_rows(table, "depth", True) == {row("AvgNorm"), row("Uniform", MTAN)}


def test_initializations_share_a_block():
    dino = PLAIN._replace(initialization="DINO")
    results = results_of(lines_of("Uniform", {"semseg": 40}), lines_of("Uniform", {"semseg": 41}, setting=dino))
    table = made(results, rows=[row("Uniform"), row("Uniform", dino)])
    assert best_rows(table, "semseg", True) == {row("Uniform", dino)}
    assert table["rank", "mean"].tolist() == [2, 1]


def test_one_seed_says_nothing_of_the_noise(ours):
    table = made(ours[ours["seed"] == 0])
    assert not table["noise"].any(axis=None)


@pytest.mark.parametrize(
    ("uniform", "inside"),
    [
        ((30, 31, 32), False),  # ten points below AvgNorm at every seed
        ((30, 31, 32.5), False),
        ((30, 45, 38), True),  # far below, above, below
        ((40, 41, 42), True),  # the same numbers
    ],
)
def test_row_is_within_noise_if_seeds_overlap(uniform, inside):
    results = results_of(
        seeds_of("Single-task", 40, 40, 40), seeds_of("Uniform", *uniform), seeds_of("AvgNorm", 40, 41, 42)
    )
    table = made(results, rows=[ROWS[0], ROWS[2], ROWS[1]])
    assert table["noise", "semseg"].tolist() == table["noise", "delta_m"].tolist() == [False, False, inside]


def test_seeds_are_compared_in_pairs():
    """AvgNorm wins by about one point at every seed, while seeds differ by ten."""
    table = made(results_of(seeds_of("Uniform", 30, 40, 50), seeds_of("AvgNorm", 31, 41.1, 50.9)), rows=ROWS[1:])
    assert table["noise", "semseg"].tolist() == [False, False]


def test_only_common_seeds_are_compared():
    table = made(results_of(seeds_of("Uniform", 30, 31, 90), seeds_of("AvgNorm", 60, 61)), rows=ROWS[1:])
    assert table["noise", "semseg"].tolist() == [False, False]  # 30 points apart at both


def test_a_probe_has_no_rank():
    ours = results_of(
        lines_of("Uniform", {"semseg": 40, "depth": 0.5}),
        lines_of("Grid Search", {"semseg": 50, "depth": 0.3}, weights={"semseg": 1, "depth": 0}),
        lines_of("AvgNorm", {"semseg": 45, "depth": 0.4}),
    )
    table = made(ours, rows=[row("Uniform"), row("Grid Search"), row("AvgNorm")])
    assert table["rank", "mean"].tolist()[::2] == [2, 1]
    assert math.isnan(table["rank", "mean"].iloc[1])


def test_mean_rank_is_among_the_multi_task_rows_of_the_block():
    results = results_of(
        lines_of("Single-task", {"semseg": 99, "depth": 0.01}),
        lines_of("Uniform", {"semseg": 40, "depth": 0.5}),  # ranks 2 and 2
        lines_of("AvgNorm", {"semseg": 41, "depth": 0.4}),  # 1 and 1
        lines_of("UW", {"semseg": 39, "depth": 0.5}),  # 3 and 2, a tie: 2.5
        lines_of("Uniform", {"semseg": 1, "depth": 9}, setting=MTAN),
    )
    table = made(results, rows=[*ROWS, row("UW"), row("Uniform", MTAN)])
    assert table["rank", "mean"].iloc[1:].tolist() == [2.25, 1, 2.75, 1]
    assert math.isnan(table["rank", "mean"].iloc[0])


def test_weights_are_means_over_seeds_of_multi_task_rows(ours):
    table = made(ours)
    assert table.loc[row("AvgNorm"), "weight"].to_dict() == {"semseg": 1.5, "depth": 4}
    assert table.loc[row("Single-task"), "weight"].isna().all()


def test_cost_is_relative_to_uniform(ours):
    assert made(ours)["cost", "time"].tolist() == pytest.approx([1, 1, 1.2])


def test_single_task_networks_cost_the_sum_of_times_and_the_largest_memory():
    semseg, depth = lines_of("Single-task", {"semseg": 40, "depth": 0.5})
    single = [semseg | {"seconds": 0.05, "memory": 90.0}, depth | {"seconds": 0.02, "memory": 60.0}]
    results = results_of(single, lines_of("Uniform", {"semseg": 40, "depth": 0.5}))
    table = made(results, rows=ROWS[:2])
    assert table["cost", "time"].tolist() == pytest.approx([0.7, 1])
    assert table["cost", "memory"].tolist() == pytest.approx([0.9, 1])


def test_architecture_is_compared_with_its_own_uniform():
    results = results_of(
        lines_of("Uniform", {"semseg": 40}, seconds=0.1),
        lines_of("Uniform", {"semseg": 40}, setting=MTAN, seconds=0.2),
        lines_of("AvgNorm", {"semseg": 40}, setting=MTAN, seconds=0.3, passes=4),
    )
    table = made(results, rows=[row("Uniform"), row("Uniform", MTAN), row("AvgNorm", MTAN)])
    assert table["cost", "time"].tolist() == pytest.approx([1, 1, 1.5])
    assert table["cost", "passes"].tolist() == [1, 1, 4]


def test_other_device_has_no_relative_time(ours):
    changed = ours.assign(device=ours["device"].where(ours["method"] != "AvgNorm", "cuda (A)"))
    table = made(changed)
    assert table["cost", "time"].isna().tolist() == table["cost", "memory"].isna().tolist() == [False, False, True]
    assert table["cost", "passes"].tolist() == [1, 1, 1]


def test_network_that_measures_feature_distances_is_compared_with_others_that_do(ours):
    measuring = ours.assign(feature_distance=ours["method"].isin(["Uniform", "AvgNorm"]))
    assert made(measuring)["cost", "time"].tolist() == pytest.approx([math.nan, 1, 1.2], nan_ok=True)
    assert made(measuring)["cost", "memory"].isna().tolist() == [True, False, False]


def test_step_that_was_not_timed_has_no_cost(ours):
    untimed = (ours["method"] == "AvgNorm") | ((ours["method"] == "Single-task") & (ours["task"] == "depth"))
    table = made(ours.assign(seconds=ours["seconds"].mask(untimed)))
    assert table["cost", "time"].isna().tolist() == [True, False, True]


def test_without_uniform_there_is_no_relative_cost(ours):
    table = made(ours[ours["method"] != "Uniform"], rows=[ROWS[0], ROWS[2]])
    assert table["cost"].columns.tolist() == ["passes"]


def test_variants_of_a_method_are_rows(ours):
    searched = lines_of("DWA", {"semseg": 41, "depth": 0.5}, variant="temperature 1")
    rows = [*ROWS, row("DWA"), row("DWA", variant="temperature 1")]
    table = made(pd.concat([ours, results_of(searched)], ignore_index=True), rows=rows)
    assert table["ours", "semseg"].iloc[-1] == 41
    assert math.isnan(table["ours", "semseg"].iloc[-2])
    assert table["runs", "seeds"].tolist() == [2, 2, 2, 0, 1]


def test_other_metrics_are_means_and_deviations_over_the_runs_that_have_the_task(make_run):
    runs = [make_run("uniform", {"semseg": 40.0, "depth": 0.5}, seed=seed) for seed in (0, 1)]
    runs += [make_run("uniform", {task: value}) for task, value in (("semseg", 40.0), ("depth", 0.5))]
    for run, values in zip(runs, [(0.1, 90.0), (0.2, 80.0), None, (0.3, 70.0)], strict=True):
        if values:
            run.record["best"]["scores"]["depth"] |= dict(zip(("abs_rel", "delta_1"), values, strict=True))
    table = with_other_metrics(made(results_of(lines_of("Uniform", {"depth": 0.5}))), summary(runs))
    assert list(table["other"]) == list(table["spread"]) == ["depth/abs_rel", "depth/delta_1"]
    assert table["other", "depth/abs_rel"].tolist() == pytest.approx([0.3, 0.15, math.nan], nan_ok=True)
    assert table["other", "depth/delta_1"].tolist() == pytest.approx([70, 85, math.nan], nan_ok=True)
    assert table["spread", "depth/delta_1"].tolist() == pytest.approx([math.nan, 50**0.5, math.nan], nan_ok=True)
    del runs[1].record["best"]["scores"]["depth"]["abs_rel"]  # a run that knows fewer metrics
    table = with_other_metrics(made(results_of(lines_of("Uniform", {"depth": 0.5}))), summary(runs))
    assert table["other", "depth/abs_rel"].tolist() == pytest.approx([0.3, math.nan, math.nan], nan_ok=True)
