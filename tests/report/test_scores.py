import pandas as pd
import pytest
from fake_runs import config_of

from mtl.report.comparison import compare
from mtl.report.scores import by_seed, over_seeds

BOTH = config_of("uniform", ["semseg", "depth"])


def test_gains_are_relative_to_the_single_task_run_of_the_same_seed(two_seeds):
    lines = by_seed(compare(two_seeds, BOTH))
    assert lines.loc[("Uniform", 0), "gain"].tolist() == pytest.approx([-5, 10])
    assert lines.loc[("Uniform", 1), "gain"].tolist() == pytest.approx([-10, -5])
    assert lines["delta_m", "best"].loc["Uniform"].tolist() == pytest.approx([2.5, -7.5])
    assert lines["delta_m", "best"].loc["AvgNorm"].tolist() == pytest.approx([12.5, 5])


def test_single_task_row_is_the_networks_together_with_gain_zero(two_seeds):
    row = by_seed(compare(two_seeds, BOTH)).loc[("Single-task", 1)]
    assert row["metric"].tolist() == [50, 0.4]
    assert row["gain"].tolist() == row["delta_m"].tolist() == [0, 0]
    assert row["cost"].tolist() == pytest.approx([0.05 / 0.1 + 0.04 / 0.1, 100])
    assert row["weight"].isna().all()


def test_last_delta_compares_last_evaluations(make_run):
    runs = [
        make_run("uniform", {"semseg": 40}, last={"semseg": 20}),
        make_run("uniform", {"depth": 0.5}),
        make_run("avgnorm", {"semseg": 44, "depth": 0.5}, last={"semseg": 30, "depth": 0.5}),
    ]
    row = by_seed(compare(runs, BOTH)).loc[("AvgNorm", 0)]
    assert row["metric"].tolist() == [44, 0.5]
    assert row["last"].tolist() == [30, 0.5]
    assert row["delta_m"].tolist() == pytest.approx([5, 25])  # (44 - 40) / 40 / 2 and (30 - 20) / 20 / 2


def test_mean_and_sample_deviation_over_seeds(two_seeds):
    mean, std = over_seeds(compare(two_seeds, BOTH))
    assert list(mean.index) == ["Single-task", "Uniform", "Grid Search", "AvgNorm"]
    assert mean.loc["Uniform", ("metric", "semseg")] == 41.5
    assert std.loc["Uniform", ("metric", "semseg")] == pytest.approx(7 / 2**0.5)
    assert mean.loc["Uniform", ("delta_m", "best")] == pytest.approx(-2.5)
    assert std.loc["Uniform", ("delta_m", "best")] == pytest.approx(10 / 2**0.5)


def test_one_seed_has_no_deviation(two_seeds):
    _, std = over_seeds(compare([run for run in two_seeds if run.seed == 0], BOTH))
    assert std.isna().all(axis=None)


def test_mean_rank_counts_multi_task_methods_only(two_seeds):
    mean, _ = over_seeds(compare(two_seeds, BOTH))
    # mean mIoU 41.5, 47, 46: ranks 3, 1, 2; mean RMSE 0.435, 0.45, 0.38: ranks 2, 3, 1
    assert mean["delta_m", "rank"].drop("Single-task").to_dict() == {"Uniform": 2.5, "Grid Search": 2, "AvgNorm": 1.5}
    assert pd.isna(mean.loc["Single-task", ("delta_m", "rank")])


def test_missing_baseline_at_one_seed_leaves_the_gain_empty(two_seeds):
    runs = [run for run in two_seeds if not (run.tasks == ["depth"] and run.seed == 1)]
    mean, _ = over_seeds(compare(runs, BOTH))
    assert mean.loc["Uniform", ("gain", "semseg")] == pytest.approx(-7.5)
    assert pd.isna(mean.loc["Uniform", ("gain", "depth")])
    assert mean.loc["Uniform", "delta_m"][["best", "last"]].isna().all()
    assert mean.loc["Single-task", "metric"].tolist() == [40, 0.5]  # of the seed that has both networks


def test_step_time_is_cpu_time_relative_to_uniform(two_seeds):
    mean, _ = over_seeds(compare(two_seeds, BOTH))
    assert mean["cost", "time"].tolist() == pytest.approx([0.9, 1, 1, 1.2])


def test_step_time_is_wall_time_on_a_gpu(make_run):
    runs = [make_run(name, {"semseg": 40, "depth": 0.5}, device="cuda (A)") for name in ("uniform", "avgnorm")]
    runs[1].record["step_seconds"] = 1.5  # Uniform: 1
    assert by_seed(compare(runs, BOTH))["cost", "time"].tolist() == [1, 1.5]


@pytest.mark.parametrize("changed", [{"device": "cpu (arm)"}, {"threads": 4}])
def test_step_times_of_different_machines_are_not_compared(two_seeds, changed):
    for run in two_seeds:
        if run.weighter == "avgnorm":
            run.record["environment"].update(changed)
    mean, _ = over_seeds(compare(two_seeds, BOTH))
    assert pd.isna(mean.loc["AvgNorm", ("cost", "time")])
    assert mean.loc["Grid Search", ("cost", "time")] == 1
