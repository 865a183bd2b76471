import json
import os
import signal
import subprocess
import sys

import pytest

from mtl.run.folder import earlier_times, held, is_held, lock, set_aside, tidy, wait_for


def test_second_process_is_refused_and_a_dead_one_holds_nothing(tmp_path):
    folder = tmp_path / "run" / "seed0"
    script = f"from pathlib import Path; from mtl.run.folder import lock; held = lock(Path({str(folder)!r}));"
    ask = [sys.executable, "-c", script + "print('got it')"]
    with lock(folder):
        refused = subprocess.run(ask, capture_output=True, text=True, check=False)
        assert refused.returncode == 1
        assert "is being trained elsewhere" in refused.stderr
    died = subprocess.run([sys.executable, "-c", script + "import os; os.kill(os.getpid(), 9)"], check=False)
    assert died.returncode == -9
    assert "got it" in subprocess.run(ask, capture_output=True, text=True, check=True).stdout


def test_wait_ends_when_the_run_is_free(tmp_path, monkeypatch):
    folder = tmp_path / "run" / "seed0"
    assert not is_held(folder)
    own = lock(folder)
    assert is_held(folder)
    monkeypatch.setattr("mtl.run.folder.time.sleep", lambda _: own.release())
    wait_for([folder])
    assert not is_held(folder)


def test_runs_that_are_being_trained_are_found_by_name(tmp_path):
    folder = tmp_path / "rooms_depth-0123abcd" / "seed0"
    with lock(folder), lock(tmp_path / "rooms_depth-edge-0123abcd" / "seed0"):
        assert held(tmp_path, "*_depth-????????", seed=0) == [folder]
        assert held(tmp_path, "*_depth-????????", seed=1) == []
    assert held(tmp_path, "*_depth-????????", seed=0) == []


def test_signal_ends_the_wait(tmp_path, monkeypatch):
    monkeypatch.setattr("mtl.run.folder.time.sleep", lambda _: os.kill(os.getpid(), signal.SIGINT))
    with lock(tmp_path / "seed0"), pytest.raises(SystemExit, match="130"):
        wait_for([tmp_path / "seed0"])


def test_old_runs_are_kept_next_to_the_new_one(tmp_path):
    folder = tmp_path / "seed0"
    set_aside(folder)
    for text in ("first", "second"):
        folder.mkdir()
        (folder / "record.json").write_text(text)
        set_aside(folder)
    assert not folder.exists()
    assert (tmp_path / "old-seed0-1" / "record.json").read_text() == "first"
    assert (tmp_path / "old-seed0-2" / "record.json").read_text() == "second"


def test_what_a_killed_process_left_is_removed(tmp_path):
    (tmp_path / ".best.pt.4711").write_text("half")
    (tmp_path / "best.pt").write_text("whole")
    tidy(tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["best.pt"]


def test_step_times_of_an_earlier_run_on_the_same_device_are_known(tmp_path):
    folder = tmp_path / "seed0"
    for device, seconds in (("cpu", 0.5), ("cpu", None), ("cuda", 0.1)):
        folder.mkdir()
        times = {"step_seconds": seconds, "step_cpu_seconds": seconds, "environment": {"device": device}}
        (folder / "record.json").write_text(json.dumps(times))
        set_aside(folder)
    assert earlier_times(folder, "cpu") == {"step_seconds": 0.5, "step_cpu_seconds": 0.5}
    assert earlier_times(folder, "mps") == {}
    assert earlier_times(tmp_path / "seed1", "cpu") == {}
