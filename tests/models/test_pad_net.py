import pytest
import torch
from narrow import SIZE, narrow
from properties import (
    NYUD,
    PASCAL,
    assert_ownership,
    assert_regions,
    published,
    size_of,
)

from mtl import build
from mtl.layers import resize

TWIN = {"normals": 3}


@pytest.mark.parametrize(("channels", "size"), [(NYUD, 19_521_848), (PASCAL, 29_305_506), ({"semseg": 40}, 5_486_766)])
def test_network_has_the_published_size(channels, size):
    assert size_of(published("pad_net", channels)) == size


def test_parts_have_the_published_sizes():
    model = published("pad_net", NYUD)
    parts = [model.backbone.mix, model.distillation, model.heads]
    assert [size_of(part) for part in parts] == [73_710, 14_155_776, 574_765]
    assert size_of(model.initial) + size_of(model.predictions) == 856_877


@pytest.mark.parametrize("channels", [NYUD, TWIN], ids=len)
def test_decoder_by_hand(channels):
    model, image = narrow("pad_net", channels).eval(), torch.randn(2, 3, *SIZE)
    with torch.no_grad():
        outputs = model(image)
        (x,) = model.backbone(image)
        found = {name: model.initial[name](x) for name in channels}
        distilled = model.distillation(found)
        (first,) = outputs.auxiliary
        for name in channels:
            assert torch.equal(first[name], resize(model.predictions[name](found[name]), SIZE))
            assert torch.equal(outputs.final[name], resize(model.heads[name](distilled[name]), SIZE))


def test_tasks_reach_each_others_first_blocks_and_no_more():
    model = narrow("pad_net", NYUD)
    assert_ownership(model, torch.randn(2, 3, *SIZE), foreign=("initial.",))
    assert not model.joint_parameters()


@pytest.mark.parametrize("backbone", ["resnet_tiny", "hrnet18", "vit_tiny"])
def test_every_encoder_will_do(backbone):
    words = ["model=pad_net", f"backbone={backbone}", "subset=depth", "backbone.pretrained=false"]
    cfg = build.compose([*words, "dataset.height=32", "dataset.width=64"])
    model = build.build_model(cfg, build.build_tasks(cfg)).eval()
    assert model(torch.randn(1, 3, *SIZE)).final["depth"].shape == (1, 1, *SIZE)


def test_regions_to_compile():
    cfg = build.compose(["model=pad_net", "backbone.pretrained=false", "subset=[depth,edge]"])
    assert_regions(build.build_model(cfg, build.build_tasks(cfg)), torch.randn(2, 3, *SIZE))


def test_bias_of_a_task_starts_its_predictions():
    model = narrow("pad_net", {"depth": 1}, bias=2.5)
    assert model.predictions["depth"].bias.item() == model.heads["depth"][-1].bias.item() == 2.5
