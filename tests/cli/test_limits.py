"""Errors of the operating system and of memory become one line with what to do."""

import errno
import fcntl
import io
import os
import sys
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

import numpy as np
import pytest
import torch

from mtl.cli.console import show_logs
from mtl.cli.explain import explain
from mtl.files import hold, write_whole
from mtl.loggers import CSVLogger
from mtl.run.folder import is_held, lock


@pytest.mark.parametrize(
    ("number", "fix"),
    [
        (errno.ENOSPC, "choose other folders with data= and results="),
        (errno.EFBIG, "ulimit -f"),
        (errno.EMFILE, "ulimit -n 4096"),
        (errno.ENOMEM, "recipe.batch_size"),
    ],
)
def test_error_in_the_middle_of_a_write_names_the_file_and_the_fix(tmp_path, monkeypatch, number, fix):
    def fail(_):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr("mtl.files.os.fsync", fail)
    with pytest.raises(OSError, match=r"record") as caught:
        write_whole(tmp_path / "record.json", "{}")
    line = explain(caught.value, [])
    assert line.startswith(f"{tmp_path}/record.json: {os.strerror(number)}; ")
    assert fix in line


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_log_on_a_full_disk_is_named(tmp_path):
    (tmp_path / "metrics.csv").symlink_to("/dev/full")
    logger = CSVLogger(tmp_path, "a", 1, {})
    with pytest.raises(OSError, match="No space left") as caught:
        logger.log("metrics", 1, {"epoch": 1.0})
    with pytest.raises(OSError, match=r"metrics\.csv"):
        logger.close()
    assert explain(caught.value, []).startswith(f"{tmp_path}/metrics.csv: No space left on device; ")


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.EOPNOTSUPP])
def test_file_system_without_locks_is_named(tmp_path, monkeypatch, number):
    def fail(*_):
        raise OSError(number, os.strerror(number))

    (tmp_path / ".seed0.lock").touch()
    monkeypatch.setattr(fcntl, "flock", fail)
    for call in (lock, is_held, lambda folder: hold(folder.with_name(".seed0.lock")).__enter__()):
        with pytest.raises(OSError, match=r"lock") as caught:
            call(tmp_path / "seed0")
        line = explain(caught.value, [])
        assert line.startswith(f"{tmp_path}/.seed0.lock: {os.strerror(number)}; this file system has no locks")


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (MemoryError(), "out of memory: lower recipe.batch_size"),
        (
            torch.OutOfMemoryError(
                "CUDA out of memory. Tried to allocate 2.50 GiB. GPU 0 has a total capacity of 139.81 GiB of which"
            ),
            "CUDA out of memory. Tried to allocate 2.50 GiB: lower recipe.batch_size, or split it",
        ),
        (
            RuntimeError("[enforce fail at alloc_cpu.cpp:117] DefaultCPUAllocator: can't allocate memory: you tried"),
            "can't allocate memory: you tried: lower recipe.batch_size",
        ),
        (
            RuntimeError("unable to open shared memory object </torch_1> in read-write mode: Too many open files (24)"),
            "Too many open files: raise the limit, such as with ulimit -n 4096",
        ),
        (
            RuntimeError("DataLoader worker (pid 7) is killed by signal: Bus error. It is possible that dataloader's"),
            "DataLoader worker (pid 7) is killed by signal: Bus error: give /dev/shm more room",
        ),
        (
            RuntimeError("DataLoader worker (pid 7) is killed by signal: Killed. "),
            "DataLoader worker (pid 7) is killed by signal: often because memory ran out; lower recipe.batch_size",
        ),
        (
            RuntimeError("DataLoader worker (pid(s) 7, 8) exited unexpectedly"),
            "DataLoader worker (pid(s) 7, 8) exited unexpectedly: often because memory ran out",
        ),
        (
            BrokenProcessPool("A process in the process pool was terminated abruptly while the future was pending."),
            "A process in the process pool was terminated: often because memory ran out",
        ),
    ],
)
def test_memory_and_files_that_run_out_have_a_line(error, line):
    with pytest.raises(type(error)) as caught:
        raise error
    assert explain(caught.value, []).startswith(line)


def test_array_that_does_not_fit_into_memory_has_a_line():
    with pytest.raises(MemoryError) as caught:
        np.empty(2**50, np.float64)
    assert explain(caught.value, []).startswith("Unable to allocate 8.00 PiB: lower recipe.batch_size")


def test_other_errors_of_torch_are_bugs():
    with pytest.raises(RuntimeError) as caught:
        torch.zeros(2) @ torch.zeros(3)
    assert explain(caught.value, []) is None


def test_terminal_without_greek_letters_gets_question_marks(monkeypatch):
    terminal = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr(sys, "stdout", terminal)
    show_logs()
    print("Δm", flush=True)
    assert terminal.buffer.getvalue() == b"?m\n"
