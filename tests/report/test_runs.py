import pytest
from fake_runs import config_of

from mtl.report.comparison import compare
from mtl.report.results import our_results
from mtl.report.runs import finished_runs, judged_otherwise, single_task_runs
from mtl.report.summary import summary
from mtl.report.table import table


def test_only_folders_with_a_record_are_finished(two_seeds, tmp_path):
    (tmp_path / "runs" / "rooms_tiny-ffffffff" / "seed0").mkdir(parents=True)
    found = finished_runs(tmp_path)
    assert [run.folder for run in found] == sorted(run.folder for run in two_seeds)
    assert {run.folder: run.record for run in found} == {run.folder: run.record for run in two_seeds}


def edges_by(preset):
    metrics = {"edge": {"metric": {"preset": preset}}, "depth": {"metric": {}}}
    return config_of("uniform", ["edge"]) | {"dataset": {"name": "rooms", "tasks": metrics}}


def test_baselines_of_another_protocol_are_none_but_are_found(make_run):
    runs = [make_run("uniform", {"edge": 60}, config=edges_by("sak"))]
    assert single_task_runs(runs, edges_by("sak"), 0) == {"edge": runs[0]}
    assert single_task_runs(runs, edges_by("seism"), 0) == {}
    assert single_task_runs(runs, edges_by("seism"), 0, judged_alike=False) == {"edge": runs[0]}


def test_baseline_that_another_preset_judges_is_named(make_run):
    strict = config_of("uniform", ["normals"])
    strict["dataset"] = {"name": "rooms", "png_normals": "strict"}
    runs = [make_run("uniform", {"normals": 20}, config=strict), make_run("uniform", {"edge": 60})]
    runs[0].record["metrics"]["normals"]["preset"] = "strict"
    wanted = config_of("uniform", ["normals", "edge"])
    wanted["dataset"] = {"name": "rooms", "png_normals": "invpt"}
    assert "normals" not in single_task_runs(runs, wanted, 0)
    assert judged_otherwise(runs, wanted, 0, {"normals": "invpt", "edge": "rooms"}) == {"normals": "strict"}
    assert judged_otherwise(runs, wanted, 0, {"normals": "strict", "edge": "rooms"}) == {}
    assert judged_otherwise(runs, wanted, 1, {"normals": "invpt", "edge": "rooms"}) == {}


def test_protocol_of_a_task_is_no_matter_to_a_run_without_it(make_run):
    depth = make_run("uniform", {"depth": 1}, config=edges_by("sak") | {"subset": ["depth"]})
    assert single_task_runs([depth], edges_by("seism"), 0) == {"depth": depth}


def test_baselines_are_plain_single_task_networks_of_the_seed(two_seeds, make_run):
    mtan = config_of("uniform", ["edge"]) | {"model": {"name": "mtan"}}
    others = [make_run("uw", {"normals": 20}), make_run("uniform", {"edge": 99}, config=mtan)]
    singles = single_task_runs([*two_seeds, *others], config_of("avgnorm", ["semseg", "depth"]), seed=1)
    assert {task: run.primary(task) for task, run in singles.items()} == {"semseg": 50, "depth": 0.4}


def test_encoder_is_passed_for_every_task_only_where_their_whole_gradients_are_seen(make_run):
    tasks = {"semseg": 40, "depth": 0.5, "edge": 60}
    scopes = {"uniform": {}, "avgnorm": {"scope": "last_layer"}, "cagrad": {"scope": "shared"}}
    configs = [config_of(name, list(tasks)) | {"weighter": {"name": name} | scope} for name, scope in scopes.items()]
    runs = [make_run(name, tasks, config=config) for name, config in zip(scopes, configs, strict=True)]
    assert [run.encoder_passes for run in runs] == [1, 1, 3]


def test_null_in_a_record_is_a_number_that_is_missing(make_run, tmp_path):
    """So `write_json` leaves what NaN was in training."""
    make_run("uniform", {"semseg": 40})
    make_run("uniform", {"depth": 0.5})
    make_run(
        "avgnorm", {"semseg": 42, "depth": None}, mean_weights={"semseg": 1.0, "depth": None}, peak_memory_mib=None
    )
    comparison = compare(finished_runs(tmp_path), config_of("uniform", ["semseg", "depth"]))
    row = table(comparison).loc["AvgNorm"]
    assert row["metric"].tolist() == ["42.00", ""]
    assert row["gain"].tolist() == ["+5.00", ""]
    assert row["delta_m"].tolist() == [""] * 3
    assert row["weight"].tolist() == ["1.00", ""]
    assert row["cost", "memory"] == ""
    lines = our_results([summary(comparison.runs)]).set_index(["method", "task"])
    assert lines.loc[("AvgNorm", "depth"), ["value", "last", "weight", "memory"]].isna().all()


def test_damaged_record_is_named(make_run, tmp_path):
    path = make_run("uniform", {"semseg": 40}).folder / "record.json"
    path.write_text(path.read_text()[:-9])
    with pytest.raises(ValueError, match=r"record.json is damaged"):
        finished_runs(tmp_path)
