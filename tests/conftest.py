import gc
import io
import re
import runpy
import sys
from copy import deepcopy
from dataclasses import replace
from functools import cache
from pathlib import Path

import hydra
import omegaconf.base
import pytest
import torch
from hydra._internal import config_loader_impl
from hydra._internal.config_loader_impl import ConfigLoaderImpl
from hydra._internal.hydra import Hydra
from hydra.core.global_hydra import GlobalHydra
from omegaconf import OmegaConf

for folder in (".", "data", "engine", "metrics", "weighters"):  # shared networks, matrices, configs and archives
    sys.path.insert(0, str(Path(__file__).parent / folder))

from two_processes import TwoProcesses  # noqa: E402  of this folder


def pytest_collection_finish():
    """Thousands of tests stay to the end: what collects garbage need not visit them again and again."""
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


def pytest_sessionfinish():
    gc.unfreeze()


@pytest.fixture(autouse=True)
def _one_thread_and_the_same_draws():
    torch.set_num_threads(1)
    torch.manual_seed(0)


@pytest.fixture(scope="session", autouse=True)
def _compose_once():
    """Copies configs that were parsed or composed before: composing takes a fifth of a second, thousands of times.

    Words that set values are applied to a copy of what the words that choose files make. An interpolation's parse tree
    is only read, so it is kept as it is.
    """
    parse, compose, merge = OmegaConf.load, hydra.compose, ConfigLoaderImpl._compose_config_from_defaults_list
    choose = config_loader_impl.create_defaults_list
    parsed, composed, chosen, merged = {}, {}, {}, {}

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

    def places(repo):
        return tuple(source.full_path() for source in repo.get_sources())

    def choose_once(repo, config_name, overrides_list, **options):
        words = [word for word in overrides_list if not word.is_sweep_override()]
        values = [w for w in words if not repo.group_exists(w.key_or_group) or isinstance(w.value(), dict)]
        groups = [word for word in words if word not in values]
        key = (places(repo), config_name, str([word.input_line for word in groups]), str(options))
        if key not in chosen:
            chosen[key] = choose(repo, config_name, groups, **options)
        return replace(chosen[key], config_overrides=values)

    def merge_or_copy(loader, defaults, repo):
        key = (places(repo), str(defaults))
        if key not in merged:
            merged[key] = merge(loader, defaults, repo)
        return deepcopy(merged[key])

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(OmegaConf, "load", load)
        patch.setattr(omegaconf.base, "parse", cache(omegaconf.base.parse))
        patch.setattr(hydra, "compose", compose_or_copy)
        patch.setattr(config_loader_impl, "create_defaults_list", choose_once)
        patch.setattr(ConfigLoaderImpl, "_compose_config_from_defaults_list", merge_or_copy)
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
