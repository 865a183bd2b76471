import pytest
from fake_runs import config_of

from mtl.report.comparison import compare

BOTH = config_of("uniform", ["semseg", "depth"])


def test_rows_come_in_the_order_of_the_paper(two_seeds):
    assert list(compare(two_seeds[::-1], BOTH).methods) == ["Uniform", "Grid Search", "AvgNorm"]


def test_name_without_a_label_stays_and_comes_last(make_run):
    runs = [make_run(name, {"semseg": 40, "depth": 0.5}) for name in ("ours", "avgnorm")]
    assert list(compare(runs, BOTH).methods) == ["AvgNorm", "ours"]


def test_runs_of_other_data_backbone_recipe_or_tasks_are_left_out(two_seeds, make_run):
    for group in ("dataset", "backbone", "recipe"):
        config = config_of("avgnorm", ["semseg", "depth"]) | {group: {"name": "other"}}
        make_run(f"other_{group}", {"semseg": 99, "depth": 9}, config=config)
    make_run("dwa", {"semseg": 99, "edge": 9})
    assert len(compare(two_seeds, BOTH).runs) == len(two_seeds)


def test_one_name_with_two_settings_makes_two_rows_that_tell_the_setting(make_run):
    runs = []
    for c in (0.2, 0.4):
        config = config_of("cagrad", ["semseg", "depth"])
        config["weighter"]["method"]["c"] = c
        runs.append(make_run("cagrad", {"semseg": 40, "depth": c}, seed=int(10 * c), config=config))
    methods = compare(runs, BOTH).methods
    assert {label: list(seeds) for label, seeds in methods.items()} == {"CAGrad (c 0.2)": [2], "CAGrad (c 0.4)": [4]}


def test_one_name_with_two_models_makes_two_rows_that_tell_the_model(make_run):
    mtan = config_of("uniform", ["semseg", "depth"]) | {"model": {"name": "mtan", "network": {"_target_": "MTAN"}}}
    runs = [make_run("uniform", {"semseg": 40, "depth": 1}), make_run("uw", {"semseg": 41, "depth": 1}, config=mtan)]
    assert set(compare(runs, BOTH).methods) == {"Uniform (model vanilla)", "Uniform (model mtan)"}


def test_missing_single_task_runs_are_told_by_seed(two_seeds):
    runs = [run for run in two_seeds if not (run.tasks == ["depth"] and run.seed == 1)]
    assert compare(runs, BOTH).missing == {1: ["depth"]}
    assert compare(two_seeds, BOTH).missing == {}


@pytest.mark.parametrize(
    ("task", "one", "other"),
    [("edge", "seism", "sak"), ("normals", "strict", "invpt"), ("saliency", "plain", "survey")],
)
def test_two_presets_are_refused_by_name(make_run, task, one, other):
    runs = [make_run(name, {"semseg": 40, task: 60}) for name in ("uniform", "avgnorm")]
    for run, preset in zip(runs, (one, other), strict=True):
        run.record["metrics"][task]["preset"] = preset
    with pytest.raises(
        ValueError, match=rf"{task} is judged by the preset '{other}' in .*avgnorm.* by '{one}' in .*uniform"
    ):
        compare(runs, config_of("uniform", ["semseg", task]))


def test_run_from_before_presets_had_names_is_compared(make_run):
    runs = [make_run(name, {"semseg": 40, "normals": 20}) for name in ("uniform", "avgnorm")]
    runs[1].record["metrics"]["normals"]["preset"] = None  # the configs are equal, so the metric is
    assert len(compare(runs, config_of("uniform", ["semseg", "normals"])).runs) == 2


def test_nothing_to_compare_is_refused(two_seeds):
    with pytest.raises(ValueError, match="none of 10 finished runs has dataset rooms, backbone tiny"):
        compare(two_seeds, config_of("uniform", ["normals", "edge"]))


def test_method_without_a_run_is_refused_by_name(two_seeds):
    comparison = compare(two_seeds, BOTH)
    assert comparison.label(config_of("avgnorm", ["semseg", "depth"])) == "AvgNorm"
    with pytest.raises(ValueError, match=r"no finished run of UW: .* weighter=uw"):
        comparison.label(config_of("uw", ["semseg", "depth"]))
