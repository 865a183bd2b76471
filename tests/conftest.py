import io
import re
import runpy
import sys
from copy import deepcopy
from functools import cache
from pathlib import Path

import hydra
import omegaconf.base
import pytest
import torch
from hydra._internal.hydra import Hydra
from hydra.core.global_hydra import GlobalHydra
from omegaconf import OmegaConf

for folder in (".", "data", "engine", "metrics", "weighters"):  # shared networks, matrices, configs and archives
    sys.path.insert(0, str(Path(__file__).parent / folder))

from two_processes import TwoProcesses  # noqa: E402  of this folder


@pytest.fixture(autouse=True)
def _one_thread_and_the_same_draws():
    torch.set_num_threads(1)
    torch.manual_seed(0)


@pytest.fixture(scope="session", autouse=True)
def _compose_once():
    """Copies configs that were parsed or composed before: composing takes a fifth of a second, thousands of times.

    An interpolation's parse tree is only read, so it is kept as it is.
    """
    parse, compose = OmegaConf.load, hydra.compose
    parsed, composed = {}, {}

    def load(file):
        text = Path(file).read_text(encoding="utf-8") if isinstance(file, str | Path) else file.read()
        if text not in parsed:
            parsed[text] = parse(io.StringIO(text))
        return deepcopy(parsed[text])

    def compose_or_copy(name, words=(), **options):
        if options:
            return compose(name, words, **options)
        folders = dict(word.split("=") for word in words if re.fullmatch(r"(data|results)=[\w/.-]+", word))
        others = tuple(word for word in words if word.partition("=")[0] not in folders)
        place = str(GlobalHydra.instance().config_loader().get_search_path())
        if (place, name, others) not in composed:
            composed[place, name, others] = compose(name, list(others))
        cfg = deepcopy(composed[place, name, others])
        for key, folder in folders.items():
            cfg[key] = folder
        return cfg

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(OmegaConf, "load", load)
        patch.setattr(omegaconf.base, "parse", cache(omegaconf.base.parse))
        patch.setattr(hydra, "compose", compose_or_copy)
        patch.setattr(Hydra, "get_mode", lambda *_, **__: None)  # composes for hydra.mode alone, which is null here
        yield


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
