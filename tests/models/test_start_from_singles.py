"""Networks that start from trained single-task networks, tiny, from the command line to the first step."""

import json
from pathlib import Path

import pytest
import torch
from tiny import tiny, train

from mtl import build
from mtl.backbones.stages import Stages
from mtl.cli.singles import Singles
from mtl.run.checkpoint import load_checkpoint

WORDS = ["backbone=resnet_tiny", "subset=[depth,edge]", "weighter=uniform"]
BOTH = pytest.mark.parametrize("word", ["cross_stitch", "nddr"])


@pytest.fixture(scope="module")
def home(tmp_path_factory) -> Path:
    """A folder with rendered rooms and the single-task networks of depth and edge."""
    folder = tmp_path_factory.mktemp("singles")
    for task in ("depth", "edge"):
        train(tiny(folder, *WORDS, f"subset={task}", "model=vanilla"))
    return folder


def trainer(home, folder, *words):
    cfg = build.compose(words := tiny(home, *WORDS, *words))
    found = Singles(cfg, words).needed()
    return build.build_trainer(cfg, folder, checkpoints=found), found


@BOTH
def test_encoders_and_heads_are_those_of_the_single_task_networks(home, tmp_path, word):
    built, found = trainer(home, tmp_path, f"model={word}")
    for task in ("depth", "edge"):
        cfg = build.compose(tiny(home, *WORDS, f"subset={task}"))
        single = build.build_model(cfg, build.build_tasks(cfg))
        single.load_state_dict(load_checkpoint(found[task])["model"])
        for own, theirs in (
            (built.model.encoders[task], Stages(single.backbone, "").parts),
            (built.model.heads[task], single.heads[task]),
        ):
            assert own.state_dict().keys() == theirs.state_dict().keys()
            assert all(torch.equal(value, theirs.state_dict()[key]) for key, value in own.state_dict().items())


def test_a_cross_stitch_network_that_keeps_tasks_apart_starts_with_their_scores(home, tmp_path):
    built, found = trainer(home, tmp_path, "model=cross_stitch", "model.network.own=1")
    scores = built.evaluator.run(built.model, built.evaluating)
    for task, path in found.items():
        record = json.loads(path.with_name("record.json").read_text())
        assert scores[task] == pytest.approx(record["best"]["scores"][task])


@BOTH
def test_the_random_state_is_the_one_without_them(home, tmp_path, word):
    states = []
    for name in ("single_task", "pretrained"):
        built, _ = trainer(home, tmp_path, f"model={word}", f"model.init={name}")
        states.append((torch.get_rng_state(), built.model.units.state_dict()))
    assert torch.equal(states[0][0], states[1][0])
    assert all(torch.equal(value, states[1][1][key]) for key, value in states[0][1].items())


@pytest.mark.parametrize("words", [(), ("subset=depth",)], ids=["two tasks", "the counterpart"])
def test_a_run_from_start_to_end(home, words):
    record = train(tiny(home, *WORDS, "model=cross_stitch", *words))
    assert record["steps"] == 3
    assert record["config"]["model"]["init"] == "single_task"


def test_networks_that_are_not_there_are_asked_for_with_the_command_that_trains_them(home, tmp_path):
    (tmp_path / "data").symlink_to(home / "data")
    with pytest.raises(ValueError, match=r"^model=nddr without model.init=pretrained starts from single-task") as error:
        train(tiny(tmp_path, *WORDS, "model=nddr", "model.init=single_task", "model.network.own=0.9"))
    command = str(error.value).partition("to train: python train.py -m ")[2].split()
    assert "subset=depth,edge" in command
    assert not any(word.startswith(("model", "weighter")) for word in command)
    assert not list(tmp_path.glob("results/runs/*/seed*/*.pt"))
    assert train(tiny(tmp_path, *WORDS, "model=nddr", "model.init=pretrained"))["steps"] == 3


def test_starts_have_runs_of_their_own():
    folders = {
        build.run_folder(build.compose(["model=nddr", f"model.init={name}"])) for name in ("single_task", "pretrained")
    }
    assert len(folders) == 2


def test_a_network_without_an_encoder_per_task_does_not_start_from_them(home, tmp_path):
    with pytest.raises(ValueError, match=r"model.init: Vanilla does not start from single-task networks"):
        trainer(home, tmp_path, "+model.init=single_task")
