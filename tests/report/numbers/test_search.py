import pandas as pd
import pytest
from fake_runs import PLAIN, config_of, lines_of, results_of

from mtl.report.names import ROW
from mtl.report.numbers.gains import delta_by_seed, mean_deltas, published_baseline, with_gains
from mtl.report.numbers.search import best_variants, choices, given, hours, judging, outcome, rows_to_show

SCORES = {"semseg": 40, "depth": 0.5}
GRID = {"": {"semseg": 1, "depth": 1}, "depth 2": {"semseg": 1, "depth": 2}, "depth 0.5": {"semseg": 1, "depth": 0.5}}


def row(method, variant=""):
    return (*PLAIN, method, variant)


def found(*semseg, single=SCORES, validation=()):
    """Scores, Delta_m and choice of a grid: mIoU of its three settings and of AvgNorm."""
    networks = [lines_of("Single-task", single)]
    for (variant, weights), value in zip(GRID.items(), semseg, strict=False):
        scores = SCORES | {"semseg": value}
        networks.append(lines_of("Grid Search", scores, variant=variant, weights=weights))
    networks.append(lines_of("AvgNorm", SCORES | {"semseg": semseg[-1]}))
    results = results_of(*networks)
    if validation:  # as on a dataset with a test split
        results["validation"] = results["value"]
        results.loc[(results["method"] == "Grid Search") & (results["task"] == "semseg"), "validation"] = validation
    best = best_variants(delta_by_seed(with_gains(judging(results))), ["Grid Search"])
    return results, mean_deltas(results, published_baseline), best


@pytest.fixture
def runs(make_run):
    """Three runs of the grid, 1 h of steps each, and one of AvgNorm, 1.5 h."""
    grid = [make_run("grid_search", SCORES, digest=name, steps=20, step_cpu_seconds=180) for name in ("a", "b", "c")]
    single = make_run("grid_search", {"depth": 0.5}, step_cpu_seconds=9999)  # not part of a search
    return [*grid, single, make_run("avgnorm", SCORES, step_cpu_seconds=270), make_run("uniform", SCORES)]


def test_setting_with_the_best_delta_m_is_chosen(runs):
    chosen, cost = outcome(*found(40, 44, 42, 48), "grid_search", runs)  # gains of semseg 0, 10 and 5, AvgNorm's 20
    weights = "weighter=grid_search 'weighter.method.weights={semseg:1,depth:2}'"
    assert chosen == f"Best of 3 on the reported images: {weights}, Δm +5.00 %."
    assert cost == "Cost: 3 runs, 3 hours of training steps, 2 times that of AvgNorm (1.5 hours, runs: 1, Δm +10.00 %)."


def test_fractional_weights_are_written_unchanged(runs):
    assert "{semseg:1,depth:0.5}" in outcome(*found(40, 41, 42, 40), "grid_search", runs)[0]


def test_validation_scores_choose_where_there_are_any_and_the_reported_score_is_given(runs):
    chosen, _ = outcome(*found(40, 44, 42, 48, validation=(40, 41, 50)), "grid_search", runs)
    weights = "weighter=grid_search 'weighter.method.weights={semseg:1,depth:0.5}'"
    assert chosen == f"Best of 3 on the validation images: {weights}, Δm +2.50 % on the test images."


def test_settings_without_a_run_are_not_candidates(runs):
    chosen, _ = outcome(*found(44, 40), "grid_search", runs)
    assert chosen.startswith(
        "Best of 2 on the reported images: weighter=grid_search 'weighter.method.weights={semseg:1,depth:1}'"
    )


def test_without_single_task_networks_nothing_is_chosen(runs):
    lines = outcome(*found(40, 44, 42, 48, single={"depth": 0.5}), "grid_search", runs)
    assert lines == ["Grid Search: no result yet; Delta_m also needs the single-task networks."]


@pytest.mark.parametrize("other", [{"device": "cpu (other)"}, {"feature_distance": True}])
def test_hours_that_were_not_measured_alike_have_no_ratio(runs, other):
    scores, deltas, best = found(40, 44, 42, 48)
    scores.loc[scores["method"] == "AvgNorm", list(other)] = list(other.values())
    *_, cost = outcome(scores, deltas, best, "grid_search", runs)
    assert cost.startswith("Cost: 3 runs, 3 hours of training steps, measured in another way than AvgNorm (1.5")


@pytest.mark.parametrize("seconds", [None, 270])
def test_without_time_on_both_sides_the_cost_is_left_out(make_run, seconds):
    reference = [make_run("avgnorm", SCORES, step_cpu_seconds=seconds)]
    trial = make_run("grid_search", SCORES)
    lines = outcome(*found(40, 44, 42, 48), "grid_search", [] if seconds else [trial, *reference])
    assert len(lines) == 1


def test_hours_are_of_steps_that_were_timed(make_run):
    runs = [make_run("uw", SCORES, seed=0, steps=10, step_cpu_seconds=36, step_seconds=99)]
    runs.append(make_run("uw", SCORES, seed=1, steps=10, step_cpu_seconds=None))
    assert hours(runs) == pytest.approx(0.1)
    runs = [make_run("uw", SCORES, seed=2, steps=10, step_cpu_seconds=99, step_seconds=36, device="cuda (A)")]
    assert hours(runs) == pytest.approx(0.1)


MTAN = PLAIN._replace(architecture="MTAN")


def deltas_of(values):
    return pd.Series(list(values.values()), pd.MultiIndex.from_tuples(list(values), names=ROW))


def by_seed(values, seed=0):
    return pd.concat({seed: deltas_of(values)}, names=["seed"]).reorder_levels([*ROW, "seed"])


def test_mean_delta_m_is_over_seeds():
    networks = [lines_of("Single-task", SCORES, seed=seed) for seed in (0, 1)]
    networks += [
        lines_of("DWA", SCORES | {"semseg": 40 + 8 * seed}, seed=seed, variant="temperature 1") for seed in (0, 1)
    ]
    deltas = mean_deltas(results_of(*networks), published_baseline)
    assert deltas[row("DWA", "temperature 1")] == 5  # gains of semseg 0 and 20, of depth 0
    assert deltas[row("Single-task")] == 0


def test_best_variant_is_chosen_for_each_network_and_method():
    deltas = by_seed(
        {
            row("DWA"): 1.0,
            row("DWA", "temperature 1"): 2.0,
            row("DWA", "temperature 4"): float("nan"),  # not run yet
            (*MTAN, "DWA", ""): 3.0,
            (*MTAN, "DWA", "temperature 1"): 3.0,
            row("AvgNorm", "scope shared"): 9.0,  # not searched
            row("GradNorm"): float("nan"),
        }
    )
    assert best_variants(deltas, ["DWA", "GradNorm"]) == {row("DWA")[:-1]: "temperature 1", (*MTAN, "DWA"): ""}


def test_variants_are_compared_at_the_seeds_that_all_of_them_have():
    tried = {row("DWA"): 1.0, row("DWA", "temperature 1"): 2.0}
    more_seeds = by_seed({row("DWA"): 9.0}, seed=1)
    assert best_variants(pd.concat([by_seed(tried), more_seeds]), ["DWA"]) == {row("DWA")[:-1]: "temperature 1"}
    apart = pd.concat([by_seed({row("DWA", "temperature 1"): 2.0}), more_seeds])
    assert best_variants(apart, ["DWA"]) == {row("DWA")[:-1]: ""}


def test_default_and_best_of_a_search_are_shown_one_below_the_other():
    rows = [row("GradNorm"), row("DWA"), row("AvgNorm"), (*MTAN, "GradNorm", "")]
    rows += [row("GradNorm", f"alpha {alpha}") for alpha in (0.1, 0.2)] + [row("DWA", "temperature 1")]
    shown = rows_to_show(rows, {row("GradNorm")[:-1]: "alpha 0.2", row("DWA")[:-1]: ""}, ["GradNorm", "DWA"])
    assert shown == [row("GradNorm"), row("GradNorm", "alpha 0.2"), row("DWA"), row("AvgNorm"), (*MTAN, "GradNorm", "")]


@pytest.fixture
def search(make_run):
    """Runs of a search with 1 h of steps each, and the variants of their folders."""
    runs, names = [], {}
    for alpha in (1.5, 0.1, 2):
        config = config_of("gradnorm", list(SCORES))
        config["weighter"]["method"]["alpha"] = alpha
        runs.append(make_run("gradnorm", SCORES, config=config, digest=str(alpha), steps=20, step_cpu_seconds=180))
        names[runs[-1].folder.parent.name] = "" if alpha == 1.5 else f"alpha {alpha}"
    return runs, names


@pytest.mark.parametrize(
    ("best", "said"),
    [
        (
            "alpha 0.1",
            "alpha 0.1 has the best Δm of 0.1, 1.5, 2 on the reported images: +3.00 % (default 1.5: +1.00 %).",
        ),
        ("", "alpha 1.5 has the best Δm of 0.1, 1.5, 2 on the reported images: +1.00 %."),
    ],
)
def test_best_variant_is_reported_with_the_default_and_the_cost(search, make_run, best, said):
    deltas = deltas_of({row("GradNorm"): 1.0, row("GradNorm", "alpha 0.1"): 3.0, row("GradNorm", "alpha 2"): -1.0})
    runs = [*search[0], make_run("dwa", SCORES, step_cpu_seconds=999)]
    lines = choices(results_of(), deltas, {row("GradNorm")[:-1]: best}, {"GradNorm": "alpha"}, runs, search[1])
    assert lines == [f"GradNorm (tiny, Vanilla): {said} Cost: 3 runs, 3 hours of training steps."]


def test_default_that_is_not_run_yet_is_left_out(search):
    deltas = deltas_of({row("GradNorm", "alpha 0.1"): 3.0})
    found = best_variants(by_seed({row("GradNorm", "alpha 0.1"): 3.0}), ["GradNorm"])
    said = choices(results_of(), deltas, found, {"GradNorm": "alpha"}, search[0][1:], search[1])[0]
    assert "alpha 0.1 has the best Δm of 0.1, 2 on the reported images: +3.00 %. Cost: 2 runs" in said


def test_weights_of_grid_search_are_the_papers_where_none_are_searched():
    rows = [row("Grid Search")]
    assert "from the paper" in given(rows, {})[0]
    assert given(rows, {"weights_from": "weights from a search"}) == ["Grid Search: weights from a search."]
    assert given(rows, {"search": "grid_search"}) == given([row("AvgNorm")], {}) == []
