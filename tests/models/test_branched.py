from functools import partial

import pytest
import torch
from narrow import SIZE, narrow
from properties import (
    NYUD,
    assert_engine_equals_written_out,
    assert_gramian_is_that_of_separate_passes,
    assert_parameters_are_listed_once,
    published,
    reached_by,
    size_of,
)

from mtl.models.branched import groups_of
from mtl.weighters import AvgNorm, Uniform

NAMES = list(NYUD)
PAIRS = "[[semseg,depth],[normals,edge]]"
DEEP = {"layer3": [["semseg", "depth"], ["normals", "edge"]], "layer4": [["semseg"], ["depth"], ["normals", "edge"]]}
TREES = {  # with sizes: vanilla has 30,076,781, and each further copy of layers 1 to 4 adds its own size
    f"{{layer4: {PAIRS}}}": 30_076_781 + 8_393_728,
    f"{{layer3: {PAIRS}}}": 30_076_781 + 2_099_712 + 8_393_728,
    f"{{layer1: {PAIRS}}}": 30_076_781 + 147_968 + 525_568 + 2_099_712 + 8_393_728,
    f"{{layer4: [{','.join(f'[{name}]' for name in NAMES)}]}}": 30_076_781 + 3 * 8_393_728,
    "{}": 30_076_781,
}


@pytest.mark.parametrize(("tree", "size"), TREES.items(), ids=str)
def test_network_has_its_size(tree, size):
    words = ["~model.network.tree.layer4", f"+model.network.tree={tree}"]
    assert size_of(published("branched", NYUD, *words)) == size


def test_size_of_the_given_tree():
    assert size_of(published("branched", NYUD)) == 38_470_509


@pytest.mark.parametrize("scope", ["features", "last_layer", "shared"])
def test_every_gradient_equals_the_written_out_weighted_loss(scope):
    make = partial(narrow, "branched", NYUD, tree=DEEP)
    image = torch.randn(2, 3, *SIZE, generator=torch.Generator().manual_seed(1))
    assert_engine_equals_written_out(make, image, AvgNorm(4), scope)


def test_gramian_is_that_of_separate_passes():
    assert_gramian_is_that_of_separate_passes(
        partial(narrow, "branched", NYUD, tree=DEEP), torch.randn(2, 3, *SIZE), Uniform(4)
    )


def test_tasks_reach_the_stages_of_their_group_and_no_others():
    model = narrow("branched", NYUD, tree=DEEP)
    reached = reached_by(model, torch.randn(2, 3, *SIZE))
    assert_parameters_are_listed_once(model)
    for place, groups in enumerate(([NAMES[:2], NAMES[2:]], [["semseg"], ["depth"], NAMES[2:]])):
        for copy, group in enumerate(groups):
            found = {
                frozenset(tasks) for name, tasks in reached.items() if name.startswith(f"branches.{place}.{copy}.")
            }
            assert found == {frozenset(group)}
    assert {frozenset(tasks) for name, tasks in reached.items() if name.startswith("backbone")} == {frozenset(NAMES)}


def test_last_layer_is_the_last_convolution_of_the_trunk():
    model = narrow("branched", NYUD, tree=DEEP)
    assert model.last_layer is model.backbone.parts[-1][-1].conv2.weight
    stem = narrow("branched", NYUD, tree={"layer1": [["semseg", "depth"], ["normals", "edge"]]}).backbone
    assert len(stem.parts) == 1
    assert any(stem.last_layer is parameter for parameter in stem.parameters())


def test_without_branches_it_is_the_vanilla_network():
    branched, plain = narrow("branched", {"normals": 3}).eval(), narrow("vanilla", {"normals": 3}).eval()
    values = list(plain.state_dict().values())
    branched.load_state_dict(dict(zip(branched.state_dict(), values, strict=True)))
    image = torch.randn(1, 3, *SIZE)
    assert torch.equal(branched(image).final["normals"], plain(image).final["normals"])


@pytest.mark.parametrize(
    ("tree", "message"),
    [
        ({"layer5": []}, "tree.layer5: the stages are layer1, layer2"),
        ({"layer4": [["semseg"], ["depth"], ["normals"]]}, "tree.layer4 has edge 0 times"),
        ({"layer4": [NAMES, ["edge"]]}, "tree.layer4 has edge 2 times"),
        ({"layer3": DEEP["layer3"], "layer4": [NAMES]}, "tree.layer4 joins semseg and depth and normals and edge"),
    ],
    ids=str,
)
def test_tree_that_is_none_is_refused(tree, message):
    with pytest.raises(ValueError, match=message):
        groups_of(tree, NAMES)


def test_encoder_without_stages_is_refused():
    with pytest.raises(Exception, match=r"model=branched needs the four stages.*use backbone=resnet18"):
        published("branched", NYUD, "backbone=hrnet18")
