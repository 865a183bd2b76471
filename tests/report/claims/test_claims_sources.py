import pytest
from fake_runs import config_of

from mtl.report.claims.quantity import MissingError
from mtl.report.claims.settings import AVGNORM, GRID, NYUD, StandIns
from mtl.report.claims.sources import our_evidence
from mtl.report.read.curves import windowed
from mtl.report.read.summary import summary

SCORES = {"semseg": 40, "depth": 0.5}


@pytest.fixture
def evidence(make_run, tmp_path):
    """Single-task networks, AvgNorm at two scopes, and GradNorm with three alphas, of which 2 has the best Delta_m.

    Grid Search has two networks; in the better one a task has no weight.
    """
    runs, variants = [make_run("uniform", {task: value}) for task, value in SCORES.items()], {}
    found = {"alpha 2": 44, "": 40, "alpha 0.1": 42}
    for name, semseg, weight in (("", 41, 1), ("heads raw", 60, 0)):
        weights = {"semseg": 1, "depth": weight}
        runs.append(make_run("grid_search", SCORES | {"semseg": semseg}, digest=f"w{weight}", mean_weights=weights))
        variants[runs[-1].folder.parent.name] = name
    for method, semseg in {"gradnorm": found, "avgnorm": {"": 40, "scope shared": 44}}.items():
        for variant, value in semseg.items():
            config = config_of(method, list(SCORES))
            config["weighter"]["variant"] = variant
            scores = SCORES | {"semseg": value}
            runs.append(make_run(method, scores, config=config, digest=variant.replace(" ", "") or "default"))
            variants[runs[-1].folder.parent.name] = variant
    summary(runs, variants).to_csv(tmp_path / "table2_rooms.csv", index=False)
    windowed(runs, 10, variants).to_csv(tmp_path / "table2_rooms_curves.csv", index=False)
    return our_evidence(tmp_path, StandIns({NYUD[:3]: ("rooms", "tiny", "Vanilla")}))


def test_best_of_a_search_has_the_plain_name_of_its_method(evidence):
    assert evidence.number(NYUD, "GradNorm", "semseg").values == {0: 44}
    assert evidence.delta(NYUD, "GradNorm").values == {0: 5}
    with pytest.raises(MissingError, match=r"GradNorm alpha 0\.1"):
        evidence.delta(NYUD, "GradNorm", variant="alpha 0.1")


def test_network_that_learns_a_task_without_weight_is_no_candidate(evidence):
    assert evidence.number(NYUD, GRID, "semseg").values == {0: 41}


def test_curves_are_those_of_the_best(evidence):
    curve = evidence.curve(NYUD, "GradNorm", "gradient/norm")  # several runs would raise
    assert set(curve) == set(SCORES)


def test_variants_that_are_no_search_stay_apart(evidence):
    assert evidence.number(NYUD, AVGNORM, "semseg").values == {0: 40}
    assert evidence.number(NYUD, AVGNORM, "semseg", variant="scope shared").values == {0: 44}


def test_variant_with_fewer_seeds_than_others_is_no_candidate(make_run, tmp_path):
    runs = [make_run("uniform", {task: value}, seed=seed) for task, value in SCORES.items() for seed in (0, 1)]
    runs += [make_run("gradnorm", SCORES, seed=seed, digest="default") for seed in (0, 1)]
    runs.append(make_run("gradnorm", SCORES | {"semseg": 60}, digest="alpha2"))
    summary(runs, {runs[-1].folder.parent.name: "alpha 2"}).to_csv(tmp_path / "table2_rooms.csv", index=False)
    found = our_evidence(tmp_path, StandIns({NYUD[:3]: ("rooms", "tiny", "Vanilla")}))
    assert found.number(NYUD, "GradNorm", "semseg").values == {0: 40, 1: 40}
