"""A wrong value of any key ends in one line that names the key, before anything is built."""

import math
import random
from functools import cache
from itertools import cycle

import pytest
from hydra.errors import InstantiationException
from omegaconf import DictConfig, OmegaConf

from mtl import build
from mtl.build.keys import REFERRED
from mtl.cli.explain import explain

GROUPS = ("dataset", "backbone", "model", "weighter", "logger", "protocol", "recipe")
FILES = {group: sorted(path.stem for path in (build.CONFIGS / group).glob("*.yaml")) for group in GROUPS}
LONGEST = max(map(len, FILES.values()))
# Every file is in one of these configs; a model and a recipe that a backbone or model chooses itself come last.
CONFIGS = list(zip(range(LONGEST), *(cycle(names) for names in FILES.values()), strict=False))
WRONG = [None, "abc", "", -1, 0, 1.5, 10**20, math.inf, True, [], [1, "a"], {"a": 1}]
EACH = 15  # values tried of every config
OTHERS = {"dataset.default_tasks": "subset"}  # where the message is about a key that refers to the wrong one


@cache
def config(number: int) -> DictConfig:
    _, *names = CONFIGS[number]
    cfg = build.composed([f"{group}={name}" for group, name in zip(GROUPS, names, strict=True)])
    OmegaConf.set_struct(cfg, False)
    return cfg


def keys(node, path=""):
    for name, value in node.items() if isinstance(node, dict) else enumerate(node):
        if name not in ("_target_", "experiment"):
            if isinstance(name, str) and (path or name not in GROUPS):  # an item of a list, or a group, takes no value
                yield f"{path}{name}"
            if isinstance(value, dict) or (isinstance(value, list) and value and isinstance(value[0], dict)):
                yield from keys(value, f"{path}{name}.")


def refusal(cfg, key, value):
    """The line that refuses the value, or None if it is accepted."""
    cfg = cfg.copy()
    OmegaConf.update(cfg, key, value, merge=False)
    try:
        build.run_folder(build.settle(cfg))
        tasks = build.build_tasks(cfg)
        build.build_weighter(cfg, tasks)
    except (ValueError, InstantiationException) as error:
        line = explain(error, [f"{key}={value}"])
        assert line, f"{key}={value!r}"
        assert "\n" not in line
        return line
    return None


def test_every_file_is_in_a_config():
    assert all({row[1 + place] for row in CONFIGS} == set(names) for place, names in enumerate(FILES.values()))
    assert LONGEST * EACH >= 300


@pytest.mark.parametrize("number", range(LONGEST))
def test_wrong_value_ends_in_a_line_that_names_the_key(number):
    draw, every = random.Random(number), sorted(keys(OmegaConf.to_container(config(number), resolve=False)))
    for key in draw.sample(every, EACH):
        value = draw.choice(WRONG)
        line = refusal(config(number), key, value)
        names = (key, OTHERS.get(key, key), f"{key.rpartition('.')[0]}: ")  # the latter if its class refuses the value
        assert line is None or any(name in line for name in names), f"{key}={value!r}: {line}"


@pytest.mark.parametrize(
    ("key", "value", "line"),
    [
        ("dataset.train.root", "", "dataset.train.root=: use a path"),
        ("dataset.tasks.depth.channels", 2, "channels=2 of depth: use 1"),
        ("dataset.tasks.edge.channels", 2, "channels=2 of edge: use 1"),
    ],
)
def test_values_that_fail_only_later_are_refused(key, value, line):
    cfg = build.composed(["dataset=rooms"])
    OmegaConf.set_struct(cfg, False)
    assert line in refusal(cfg, key, value)


@pytest.mark.parametrize(
    ("key", "meant"),
    [
        ("sead", "seed"),
        ("loging.feature_distance", "logging"),
        ("logging.gradient_statistics.evry", "logging.gradient_statistics.every"),
        ("recipe.stpes", "recipe.steps"),
        ("recipe.lr", "recipe.optimizer.lr"),
        ("recipe.height", "dataset.height"),
        ("dataset.shrnk", "dataset.shrink"),
        ("plan.statistic", "plan.statistics"),
        ("weighter.head", "weighter.heads"),
    ],
)
def test_unknown_key_of_a_file_is_refused(key, meant):
    """Hydra looks only at those of the command line."""
    cfg = build.composed(["dataset=camvid", "experiment=table2"])
    OmegaConf.set_struct(cfg, False)
    assert refusal(cfg, key, 3) == f"unknown key {key.removesuffix('.feature_distance')}: nothing reads it; " + (
        f"did you mean {meant}?"
    )


def test_unknown_key_that_resembles_none_is_refused_without_a_suggestion():
    with pytest.raises(ValueError, match=r"^unknown key logging\.unused: nothing reads it$"):
        build.compose(["+logging.unused=1"])


@pytest.mark.parametrize("reference", ["${dataset.size}", "${.size}", "a ${oc.select:dataset.size,3}"])
def test_key_that_another_refers_to_is_known(reference):
    cfg = build.composed(["dataset=rooms"])
    OmegaConf.set_struct(cfg, False)
    assert "unknown key dataset.size: nothing reads it" in refusal(cfg, "dataset.size", "words")
    cfg.dataset.size = "words"
    assert refusal(cfg, "dataset.name", reference) is None


@pytest.mark.parametrize("number", range(LONGEST))
def test_keys_of_our_files_are_known_though_nothing_refers_to_them(number):
    cfg = config(number).copy()
    cfg.workers = 0
    assert refusal(OmegaConf.create(OmegaConf.to_container(cfg, resolve=True)), "seed", 1) is None


def test_keys_that_are_known_without_a_type_are_in_our_files():
    for group, known in REFERRED.items():
        files = [OmegaConf.load(path) for path in (build.CONFIGS / group).glob("*.yaml")]
        assert set(known) <= {key for file in files for key in file}


def test_experiment_in_a_group_of_its_own_is_refused(tmp_path):
    """Without its first line, Hydra would put all of the file below the key experiment."""
    (tmp_path / "experiment").mkdir()
    (tmp_path / "experiment" / "mine.yaml").write_text("recipe: {steps: 3}\n")
    with pytest.raises(ValueError, match=r"unknown key experiment: .* begins with the line # @package _global_$"):
        build.compose([f"hydra.searchpath=[{tmp_path}]", "experiment=mine"])
