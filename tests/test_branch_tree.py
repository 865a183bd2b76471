"""The tree that scripts/branch_tree.py finds, from single-task networks to the branched network."""

import shlex

import pytest
from tiny import tiny, train

from mtl import build

WORDS = ["backbone=resnet_tiny", "subset=[depth,normals,edge]"]


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A folder with rendered rooms and the single-task networks of three tasks."""
    folder = tmp_path_factory.mktemp("tree")
    for task in ("depth", "normals", "edge"):
        train(tiny(folder, *WORDS, "weighter=uniform", f"subset={task}"))
    return folder


def test_the_command_that_it_prints_trains_the_tree(home, run_script):
    code, out, _ = run_script("branch_tree", *tiny(home, *WORDS, "model=vanilla"), "budget=2.5", "images=8")
    assert code == 0
    blocks, command = out.strip().rsplit("\n\n", 1)
    *stages, trees = blocks.split("\n\n")
    assert [stage.split()[0] for stage in stages] == ["layer1", "layer2", "layer3", "layer4"]
    first, last = trees.splitlines()[2].split(), trees.splitlines()[-1].split()
    assert (first[1], first[3]) == ("1.00", "model.network.tree={layer4:[[depth,normals,edge]]}")
    assert last[1:3] == ["3.00", "0.000"]
    python, script, *words = shlex.split(command)
    assert (python, script) == ("python", "train.py")
    assert [word for word in words if word.startswith("model=")] == ["model=branched"]
    assert build.compose(words).model.network.tree.layer4 != [["depth", "normals", "edge"]]
    assert train(words)["steps"] == 3


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["budget=0.9"], "error: budget=0.9: use a number of 1 or more"),
        (["budget=half"], "error: budget=half: use a number of 1 or more"),
        (["images=2"], "error: 2 images: use 3 or more"),
        (["subset=[edge]"], "error: subset=edge: a tree needs two or more tasks"),
        (["backbone=vit_tiny"], "error: model=branched needs the four stages of a residual network"),
        (["seed=7"], "error: a tree is computed from single-task networks, and there is none of depth, normals, edge"),
    ],
    ids=str,
)
def test_bad_input_is_one_line(home, run_script, words, message):
    code, out, err = run_script("branch_tree", *tiny(home, *WORDS, *words))
    assert (code, out, err.count("\n")) == (1, "", 1)
    assert err.startswith(message)
