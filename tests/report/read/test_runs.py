import json

import pytest
from fake_runs import PLAIN, config_of, results_of

from mtl.report.numbers.gains import published_baseline, with_gains
from mtl.report.numbers.table import table_of
from mtl.report.read.runs import finished_runs, judged_otherwise, read_record, single_task_runs, training_command
from mtl.report.read.scores import our_scores
from mtl.report.read.summary import summary

CONFIG = config_of("uniform", ["semseg"])


def test_only_folders_with_a_record_are_finished(two_seeds, tmp_path):
    (tmp_path / "runs" / "rooms_tiny-ffffffff" / "seed0").mkdir(parents=True)
    found = finished_runs(tmp_path)
    assert [run.folder for run in found] == sorted(run.folder for run in two_seeds)
    assert {run.folder: run.record for run in found} == {run.folder: run.record for run in two_seeds}


def edges_by(preset):
    metrics = {"edge": {"metric": {"preset": preset}}, "depth": {"metric": {}}}
    return config_of("uniform", ["edge"]) | {"dataset": {"name": "rooms", "tasks": metrics}}


def test_baselines_of_another_protocol_are_rejected_unless_asked_for(make_run):
    runs = [make_run("uniform", {"edge": 60}, config=edges_by("sak"))]
    assert single_task_runs(runs, edges_by("sak"), 0) == {"edge": runs[0]}
    assert single_task_runs(runs, edges_by("seism"), 0) == {}
    assert single_task_runs(runs, edges_by("seism"), 0, judged_alike=False) == {"edge": runs[0]}


def test_baseline_evaluated_with_another_preset_is_named(make_run):
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


def test_protocol_of_a_task_does_not_affect_runs_without_it(make_run):
    depth = make_run("uniform", {"depth": 1}, config=edges_by("sak") | {"subset": ["depth"]})
    assert single_task_runs([depth], edges_by("seism"), 0) == {"depth": depth}


def test_baselines_are_plain_single_task_networks_of_the_seed(two_seeds, make_run):
    mtan = config_of("uniform", ["edge"]) | {"model": {"name": "mtan"}}
    others = [make_run("uw", {"normals": 20}), make_run("uniform", {"edge": 99}, config=mtan)]
    singles = single_task_runs([*two_seeds, *others], config_of("avgnorm", ["semseg", "depth"]), seed=1)
    assert {task: run.primary(task) for task, run in singles.items()} == {"semseg": 50, "depth": 0.4}


def test_encoder_passes_are_one_per_task_only_with_full_task_gradients(make_run):
    tasks = {"semseg": 40, "depth": 0.5, "edge": 60}
    scopes = {"uniform": {}, "avgnorm": {"scope": "last_layer"}, "cagrad": {"scope": "shared"}}
    configs = [config_of(name, list(tasks)) | {"weighter": {"name": name} | scope} for name, scope in scopes.items()]
    runs = [make_run(name, tasks, config=config) for name, config in zip(scopes, configs, strict=True)]
    assert [run.encoder_passes for run in runs] == [1, 1, 3]


def test_null_in_a_record_is_a_missing_number(make_run, tmp_path):
    """`write_json` writes NaN as null."""
    make_run("uniform", {"semseg": 40})
    make_run("uniform", {"depth": 0.5})
    make_run(
        "avgnorm", {"semseg": 42, "depth": None}, mean_weights={"semseg": 1.0, "depth": None}, peak_memory_mib=None
    )
    scores = our_scores([summary(finished_runs(tmp_path))])
    lines = with_gains(scores).set_index(["method", "task"])
    assert lines.loc[("AvgNorm", "depth"), ["value", "last", "weight", "memory", "gain"]].isna().all()
    assert lines.loc[("AvgNorm", "semseg"), ["value", "gain"]].tolist() == pytest.approx([42, 5])
    rows = [(*PLAIN, "Single-task", ""), (*PLAIN, "AvgNorm", "")]
    row = table_of(scores, results_of(), rows, published_baseline).loc[rows[1]]
    assert row["ours"][["depth", "delta_m"]].isna().all()
    assert row["ours"]["semseg"] == 42


def test_damaged_record_is_named_and_left_out(make_run, tmp_path, caplog):
    good, bad = (make_run("uniform", {"semseg": 40}, seed=seed) for seed in (0, 1))
    path = bad.folder / "record.json"
    path.write_text(path.read_text()[:-9])
    for _ in range(2):
        assert finished_runs(tmp_path) == [good]
    (line,) = caplog.messages
    assert line.startswith(f"{path} is damaged (")
    assert "force=true" in line


@pytest.mark.parametrize("key", ["metrics", "mean_weights", "best", "environment"])
def test_record_that_lacks_what_is_read_is_refused(make_run, key):
    path = make_run("uniform", {"semseg": 40}).folder / "record.json"
    record = json.loads(path.read_text())
    path.write_text(json.dumps(record | {key: {}}))
    with pytest.raises(ValueError, match=rf"record.json is damaged \({key}"):
        read_record(path)


def test_command_keeps_the_overrides_that_make_runs_comparable():
    words = ["experiment=demo", "model=mtan", "seed=3", "subset=[depth,edge]", "dataset.height=448"]
    assert (
        training_command(words, ["edge"], 1, CONFIG)
        == "python train.py experiment=demo dataset.height=448 backbone=tiny subset=edge seed=1"
    )


def test_command_drops_all_overrides_of_the_weighter():
    words = [
        "weighter=url",
        "weighter.alignment.lr=1",
        "+weighter.nope=1",
        "~weighter.alignment",
        "~logger.tensorboard",
    ]
    assert (
        training_command(words, ["edge", "depth"], 0, config_of("url", ["edge", "depth"]))
        == "python train.py -m ~logger.tensorboard subset=edge,depth seed=0"
    )


def test_command_resets_model_and_weighter_and_keeps_the_backbone_of_the_model():
    config = config_of("url", ["edge"]) | {"model": {"name": "mtan"}}
    assert (
        training_command(["experiment=table2"], ["edge"], 0, config)
        == "python train.py experiment=table2 model=vanilla weighter=uniform backbone=tiny subset=edge seed=0"
    )
    assert (
        training_command(["model=mtan", "backbone=resnet18"], ["edge"], 0, config | {"weighter": {"name": "uniform"}})
        == "python train.py backbone=resnet18 subset=edge seed=0"
    )
