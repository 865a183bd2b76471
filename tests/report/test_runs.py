from fake_runs import config_of

from mtl.report.runs import finished_runs, single_task_runs


def test_only_folders_with_a_record_are_finished(two_seeds, tmp_path):
    (tmp_path / "runs" / "rooms_tiny-ffffffff" / "seed0").mkdir(parents=True)
    found = finished_runs(tmp_path)
    assert [run.folder for run in found] == sorted(run.folder for run in two_seeds)
    assert {run.folder: run.record for run in found} == {run.folder: run.record for run in two_seeds}


def test_baselines_are_plain_single_task_networks_of_the_seed(two_seeds, make_run):
    mtan = config_of("uniform", ["edge"]) | {"model": {"name": "mtan"}}
    others = [make_run("uw", {"normals": 20}), make_run("uniform", {"edge": 99}, config=mtan)]
    singles = single_task_runs([*two_seeds, *others], config_of("avgnorm", ["semseg", "depth"]), seed=1)
    assert {task: run.primary(task) for task, run in singles.items()} == {"semseg": 50, "depth": 0.4}
