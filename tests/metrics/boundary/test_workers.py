import os
import signal
import subprocess
import sys
import time
from operator import mul, truediv
from pathlib import Path

import pytest

from mtl.metrics.boundary.workers import Workers

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize("processes", [0, 2])
def test_results_come_in_the_order_of_the_calls(processes):
    workers = Workers(mul, processes)
    results = []
    for number in range(20):
        workers.submit(number, 3)
        results += workers.ready()
    results += workers.rest()
    assert results == [3 * number for number in range(20)]
    assert not list(workers.rest())


def test_without_processes_a_result_is_ready_at_once():
    workers = Workers(mul, 0)
    workers.submit(2, 3)
    assert list(workers.ready()) == [6]


def test_forgotten_calls_have_no_result():
    workers = Workers(mul, 1)
    workers.submit(2, 3)
    workers.forget()
    workers.submit(4, 5)
    assert list(workers.rest()) == [20]


def test_what_a_call_raises_is_raised_here():
    workers = Workers(truediv, 1)
    workers.submit(1, 0)
    with pytest.raises(ZeroDivisionError):
        list(workers.rest())
    workers.forget()


def test_work_of_a_killed_process_is_done_here():
    workers = Workers(mul, 1)
    workers.submit(2, 3)
    (process,) = workers._team.processes
    process.kill()
    process.wait()
    for number in range(3):
        workers.submit(number, 3)
    with pytest.warns(UserWarning, match="a scoring process was killed"):
        assert list(workers.rest()) == [6, 0, 3, 6]
    workers.submit(4, 3)
    assert list(workers.rest()) == [12]


def test_processes_know_no_torch_and_end_with_the_calls():
    workers = Workers(eval, 1)
    workers.submit("'torch' in __import__('sys').modules")
    processes = workers._team.processes
    assert list(workers.rest()) == [False]
    assert [process.poll() for process in processes] == [0]


def test_signals_to_the_group_do_not_reach_the_processes():
    workers = Workers(os.getpgid, 1)
    workers.submit(0)
    (process,) = workers._team.processes
    assert list(workers.rest()) == [process.pid]


def test_number_of_processes_that_is_none_is_refused():
    with pytest.raises(ValueError, match="workers=-1"):
        Workers(mul, -1)


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_processes_end_with_one_that_is_killed():
    code = (
        "import sys, time, types\n"
        "for name in ('mtl', 'mtl.metrics'):\n"  # without torch, to start sooner
        "    sys.modules[name] = types.ModuleType(name); sys.modules[name].__path__ = [name.replace('.', '/')]\n"
        "from mtl.metrics.boundary.workers import Workers; w = Workers(time.sleep, 2)\n"
        "for _ in range(3): w.submit(0)\n"
        "print(*[p.pid for p in w._team.processes], flush=True); time.sleep(600)"
    )
    with subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE, text=True) as parent:
        children = [int(word) for word in parent.stdout.readline().split()]
        parent.send_signal(signal.SIGKILL)
    deadline = time.monotonic() + 60
    while any(os.path.exists(f"/proc/{child}") and state(child) != "Z" for child in children):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def state(pid):
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return "Z"
