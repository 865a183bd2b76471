import runpy
import sys
from pathlib import Path

import pytest
import torch

for folder in (".", "data", "engine", "metrics", "weighters"):  # shared networks, matrices, configs and archives
    sys.path.insert(0, str(Path(__file__).parent / folder))

from two_processes import TwoProcesses  # noqa: E402  of this folder


@pytest.fixture(autouse=True)
def _one_thread():
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def two_processes(tmp_path_factory):
    """Runs a function in two processes of a process group; gives both results."""
    both = TwoProcesses(tmp_path_factory.mktemp("processes") / "store")
    yield both
    both.close()


@pytest.fixture
def run_script(monkeypatch, capsys):
    """Runs a script of scripts/ in this process; gives exit code, stdout and stderr."""

    def call(name: str, *words: str):
        capsys.readouterr()
        monkeypatch.setattr(sys, "argv", [f"{name}.py", *words])
        code = 0
        try:
            runpy.run_path(str(Path(__file__).parent.parent / f"scripts/{name}.py"), run_name="__main__")
        except SystemExit as end:
            code = end.code
        return (code, *capsys.readouterr())

    return call


@pytest.fixture
def evaluate(run_script, tmp_path):
    """Runs scripts/evaluate.py in this process; gives exit code, stdout and stderr."""
    return lambda *words: run_script("evaluate", f"data={tmp_path}/data", "workers=0", *words)
