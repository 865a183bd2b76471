import pytest
from fake_runs import PLAIN, lines_of, results_of

from mtl.report.reproduction import sheet
from mtl.report.results import published_baseline
from mtl.report.search import hours, outcome

SCORES = {"semseg": 40, "depth": 0.5}
GRID = {"": {"semseg": 1, "depth": 1}, "depth 2": {"semseg": 1, "depth": 2}, "depth 0.5": {"semseg": 1, "depth": 0.5}}


def row(method, variant=""):
    return (*PLAIN, method, variant)


def found(*semseg, single=SCORES):
    """Results of a grid, mIoU of its three settings and of AvgNorm, and their table."""
    networks = [lines_of("Single-task", single)]
    for (variant, weights), value in zip(GRID.items(), semseg, strict=False):
        scores = SCORES | {"semseg": value}
        networks.append(lines_of("Grid Search", scores, variant=variant, weights=weights))
    networks.append(lines_of("AvgNorm", SCORES | {"semseg": semseg[-1]}))
    results = results_of(*networks)
    rows = [row("Single-task"), *(row("Grid Search", variant) for variant in GRID), row("AvgNorm")]
    return results, sheet(results, results_of(), rows, published_baseline)


@pytest.fixture
def runs(make_run):
    """Three runs of the grid, an hour of steps each, and one of AvgNorm, an hour and a half."""
    grid = [make_run("grid_search", SCORES, digest=name, steps=20, step_seconds=180) for name in ("a", "b", "c")]
    single = make_run("grid_search", {"depth": 0.5}, step_seconds=9999)  # belongs to no search
    return [*grid, single, make_run("avgnorm", SCORES, step_seconds=270), make_run("uniform", SCORES)]


def test_setting_with_the_best_delta_m_is_chosen(runs):
    results, table = found(40, 44, 42, 48)  # gains of semseg 0, 10 and 5, AvgNorm's 20
    chosen, cost = outcome(results, table, "grid_search", runs)
    assert chosen == "Chosen of 3: weighter=grid_search 'weighter.method.weights={semseg:1,depth:2}', Δm +5.00 %."
    assert cost == "Cost: 3 runs, 3 hours of training steps; AvgNorm 1, 1.5 hours (2 times less), Δm +10.00 %."


def test_weights_that_are_no_whole_numbers_are_written_as_they_were(runs):
    assert "{semseg:1,depth:0.5}" in outcome(*found(40, 41, 42, 40), "grid_search", runs)[0]


def test_settings_that_lack_a_run_are_not_chosen_from(runs):
    results, table = found(44, 40)
    chosen, _ = outcome(results, table, "grid_search", runs)
    assert chosen.startswith("Chosen of 2: weighter=grid_search 'weighter.method.weights={semseg:1,depth:1}'")


def test_without_single_task_networks_nothing_is_chosen(runs):
    lines = outcome(*found(40, 44, 42, 48, single={"depth": 0.5}), "grid_search", runs)
    assert lines == ["Grid Search: nothing to choose from yet; Delta_m needs the single-task networks too."]


@pytest.mark.parametrize("step_seconds", [None, 270])
def test_without_time_on_both_sides_the_cost_is_left_out(make_run, step_seconds):
    beside = [make_run("avgnorm", SCORES, step_seconds=step_seconds)]
    trial = make_run("grid_search", SCORES)
    lines = outcome(*found(40, 44, 42, 48), "grid_search", [] if step_seconds else [trial, *beside])
    assert len(lines) == 1


def test_hours_are_of_steps_that_were_timed(make_run):
    runs = [make_run("uw", SCORES, seed=0, steps=10, step_seconds=36)]
    runs.append(make_run("uw", SCORES, seed=1, steps=10, step_seconds=None))
    assert hours(runs) == pytest.approx(0.1)
