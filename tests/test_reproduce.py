"""Tables from one command: what is missing is trained, in any order of accidents, and the rest is left alone."""

import importlib.util
import os
import random
import re
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pandas as pd
import pytest

from mtl.cli.words import read_words
from mtl.experiment import Experiment
from mtl.files import write_whole
from mtl.run.folder import lock

ROOT = Path(__file__).parent.parent
SCRIPT = ROOT / "scripts/reproduce.py"
TRIAL = ["experiment=[table6,small]", "dataset=rooms", "dataset.height=32", "dataset.width=48", "recipe.steps=4"]
TRIAL += ["recipe.evaluate=2", "dataset.train.scans=2", "dataset.val.scans=1", "logger=csv"]
CHECK = Experiment.check_dataset
MEASURED = ["time", "memory"]  # columns that no two runs agree on


@pytest.fixture
def reproduce(monkeypatch):
    """The script as a module whose `call` notes the words instead of training."""
    spec = importlib.util.spec_from_file_location("reproduce", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.called = []
    monkeypatch.setattr(module, "call", module.called.append)
    monkeypatch.setattr(module.Experiment, "check_dataset", lambda _: None)
    monkeypatch.setattr(module.Costs, "measure", lambda *_: None)
    return module


def run(reproduce, *words):
    reproduce.main(*read_words(words, reproduce.OWN, others=True))


def test_missing_runs_are_trained_a_line_at_a_time_and_single_task_networks_come_first(
    reproduce, monkeypatch, tmp_path, capsys
):
    words = ["experiment=table6", "dataset=nyud", f"results={tmp_path}"]
    with pytest.raises(SystemExit, match="1"):
        run(reproduce, *words, "hydra.launcher.partition=gpu", "seed=0,1", "launcher=slurm")
    assert [call[-4:] for call in reproduce.called] == [
        ["subset=semseg,depth,normals,edge", "seed=0,1", "hydra/launcher=slurm", "hydra.launcher.partition=gpu"],
        ["weighter=grid_search,avgnorm", "seed=0,1", "hydra/launcher=slurm", "hydra.launcher.partition=gpu"],
        ["weighter=grid_search,avgnorm", "seed=0,1", "hydra/launcher=slurm", "hydra.launcher.partition=gpu"],
    ]
    assert all(call[0] == "-m" and "experiment=table6" in call for call in reproduce.called)
    out = capsys.readouterr().out
    assert "table6_nyud, line 1 of 3: 8 of 8 runs are missing; 16 remain in total" in out
    assert "16 of them without an estimate" in out
    assert "none of 16 runs has finished" in out


@pytest.mark.parametrize(
    ("weighter", "given", "added"),
    [("url", "none", "keep=best"), ("url", "last", "keep=both"), ("uniform", "none", None)],
)
def test_weights_that_runs_of_the_plan_learn_from_are_kept(reproduce, tmp_path, weighter, given, added):
    words = ["experiment=controls", "dataset=rooms", "subset=[depth,edge]", f"results={tmp_path}", f"keep={given}"]
    words.append(f'plan.runs=["subset={{tasks}}","weighter={weighter}"]')
    with pytest.raises(SystemExit, match="1"):
        run(reproduce, *words)
    single, several = reproduce.called
    assert single[-1] == (added or "seed=0")
    assert several[-1] == "seed=0"


def test_seeds_are_those_of_the_records_if_none_are_given(reproduce, tmp_path, capsys):
    words = ["experiment=study_camvid", f"results={tmp_path}", "runs=plan"]
    for seed in (0, 2):
        write_whole(tmp_path / f"records/study_camvid/network/seed{seed}.json", "{}")
    for given, runs in (([], 22), (["seed=1"], 11)):
        run(reproduce, *words, *given)
        assert f"{runs} of {runs} runs are missing" in capsys.readouterr().out


def test_plan_is_printed_and_nothing_trained(reproduce, tmp_path, capsys):
    run(reproduce, "experiment=table6", "dataset=nyud", f"results={tmp_path}", "seed=0,1", "runs=plan")
    assert reproduce.called == []
    out = capsys.readouterr().out
    assert re.search(r"model=mtan weighter=avgnorm +0 +2 +\?", out)
    assert out.endswith("16 of 16 runs are missing, 16 of them without an estimate\n")


@pytest.mark.parametrize(
    ("words", "count"), [(["recipe.steps=101"], 2), (["recipe.steps=100"], 0), (["recipe.steps=100", "runs=plan"], 2)]
)
def test_networks_whose_runs_take_hardly_longer_are_only_measured_for_a_plan(
    reproduce, monkeypatch, tmp_path, words, count
):
    asked = []
    monkeypatch.setattr(reproduce.Costs, "measure", lambda _, jobs, __: asked.extend(jobs))
    plan = ["experiment=controls", "dataset=rooms", "subset=[depth,edge]", 'plan.runs=["weighter=uniform,avgnorm"]']
    with suppress(SystemExit):  # some runs are missing at the end
        run(reproduce, *plan, f"results={tmp_path}", *words)
    assert len(asked) == count


def test_without_a_dataset_the_experiment_runs_on_those_of_the_paper(reproduce, monkeypatch, tmp_path):
    words = ["experiment=figures", 'plan.runs=["subset=semseg"]', f"results={tmp_path}"]
    with pytest.raises(SystemExit, match="1"):
        run(reproduce, *words, "runs=no")
    assert reproduce.called == []
    with pytest.raises(SystemExit, match="1"):
        run(reproduce, *words)
    named = [word for call in reproduce.called for word in call if word.startswith("dataset=")]
    assert named == ["dataset=nyud", "dataset=pascal_context"]


def test_dataset_that_is_not_there_is_missed_once(reproduce, monkeypatch, tmp_path):
    monkeypatch.setattr(reproduce.Experiment, "check_dataset", CHECK)
    with pytest.raises(ValueError, match=f"^no NYUD-v2 in {tmp_path}/nyud: fetch it with make data-nyud"):
        run(reproduce, "experiment=table6", "dataset=nyud", f"results={tmp_path}", f"data={tmp_path}")
    assert reproduce.called == []


def test_line_with_a_run_that_is_trained_elsewhere_is_tried_again_when_that_process_has_ended(
    reproduce, monkeypatch, tmp_path, capsys
):
    words = ["experiment=controls", "dataset=rooms", "subset=[depth,edge]", f"results={tmp_path}"]
    words.append('plan.runs=["subset={tasks}","weighter=uniform"]')
    single = Experiment(words).jobs()[0][0]
    held = lock(single.folder / "seed0")
    monkeypatch.setattr(reproduce, "wait_for", lambda folders: held.release())
    with pytest.raises(SystemExit, match="1"):
        run(reproduce, *words)
    assert [call[-2] for call in reproduce.called] == ["subset=depth,edge", "weighter=uniform", "subset=depth,edge"]
    out = capsys.readouterr().out
    assert "2 of 2 runs are missing (1 of them being trained elsewhere)" in out
    assert f"waits for runs that are being trained elsewhere (1): {single.folder}/seed0" in out


def test_records_are_written_after_every_line_even_if_it_is_stopped(reproduce, monkeypatch, tmp_path):
    words = ["experiment=controls", "dataset=rooms", "subset=[depth,edge]", f"results={tmp_path}", "+plan.records=true"]
    words.append('plan.runs=["subset={tasks}","weighter=uniform"]')
    written, started = [], []
    monkeypatch.setattr(reproduce.subprocess, "run", lambda command, **_: started.append(command))
    monkeypatch.setattr(reproduce, "write_records", lambda results, name, runs: written.append((results, name, runs)))
    with pytest.raises(SystemExit, match="1"):
        run(reproduce, *words)
    name = Experiment(words).name
    assert written == [(tmp_path, name, [])] * 3  # two lines, and the table
    assert [(Path(script).name, other[-1]) for _, script, *other in started] == [
        ("floors.py", f"out={tmp_path}/records/{name}/floors.json")
    ]
    written.clear()

    def stop(_):
        raise SystemExit(143)

    monkeypatch.setattr(reproduce, "call", stop)
    with pytest.raises(SystemExit, match="143"):
        run(reproduce, *words)
    assert len(written) == 1
    with pytest.raises(SystemExit, match="143"):
        run(reproduce, *words, "plan.records=false")
    assert len(written) == 1


@pytest.mark.parametrize("word", ["seed=zero", "runs=perhaps", "metrics=most", "seeds=0,1"])
def test_words_that_mean_nothing_are_refused(reproduce, monkeypatch, word):
    with pytest.raises(ValueError, match=word):
        run(reproduce, "experiment=table6", "dataset=nyud", word)


def test_experiment_without_a_plan_is_refused(reproduce, monkeypatch):
    with pytest.raises(ValueError, match="name an experiment that has one"):
        run(reproduce, "dataset=rooms")


def start(folder: Path) -> subprocess.Popen:
    words = [*TRIAL, f"results={folder}/results", f"data={folder.parent}/data"]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    command = [sys.executable, SCRIPT, *words]
    with open(folder / "log.txt", "a") as log:
        return subprocess.Popen(command, stdout=log, stderr=log, cwd=folder, env=environment, start_new_session=True)


@pytest.mark.slow
def test_table_killed_twice_on_the_way_ends_as_the_undisturbed_one(tmp_path):
    folders = [tmp_path / name for name in ("whole", "parts")]
    for folder in folders:
        folder.mkdir()
    assert start(folders[0]).wait() == 0, (folders[0] / "log.txt").read_text()[-2000:]
    for kill in range(1, 3):
        process = start(folders[1])
        while len(list(folders[1].glob("results/runs/*/seed0/record.json"))) < 3 * kill:
            assert process.poll() is None
            time.sleep(0.1)
        time.sleep(random.random() * 3)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    assert start(folders[1]).wait() == 0
    tables = [next(folder.glob("results/tables/table6_rooms-*.csv")) for folder in folders]  # a trial has another name
    whole, parts = (pd.read_csv(path) for path in tables)
    assert tables[0].name == tables[1].name
    costs = [column for column in whole if column.removeprefix("cost/") in MEASURED]
    pd.testing.assert_frame_equal(whole.drop(columns=costs), parts.drop(columns=costs))
    assert whole["ours/delta_m"].notna().all()
