from functools import partial

import pytest
import torch
import torch.nn.functional as F
from narrow import Scales
from properties import (
    NYUD,
    PASCAL,
    assert_a_step_lowers_the_loss,
    assert_engine_equals_written_out,
    assert_gramian_is_that_of_separate_passes,
    assert_half_precision_works,
    assert_ownership,
    assert_parameters_are_listed_once,
    assert_predictions,
    assert_regions,
    published,
    records,
    size_of,
)
from torch import nn

from mtl import build
from mtl.heads import HRNetHead
from mtl.models import MTINet
from mtl.task import Task
from mtl.weighters import AvgNorm, Uniform

TWIN = {"normals": 3}
NUMBERS = {"reduction": 4, "squeeze": 1, "squeeze_bias": True, "softmax_over": "neighbours"}


def small(channels, **options):
    torch.manual_seed(0)
    return MTINet(records(channels), Scales(), HRNetHead, **(NUMBERS | options))


@pytest.mark.parametrize(("channels", "size"), [(NYUD, 17_960_945), (PASCAL, 24_494_716), ({"semseg": 40}, 6_232_534)])
def test_network_has_the_published_size(channels, size):
    assert size_of(published("mti_net", channels)) == size


def test_parts_have_the_published_sizes():
    model = published("mti_net", NYUD)
    initial = [[model.initial[name][scale] for name in NYUD] for scale in range(4)]
    initial = [m + [model.predictions[name][scale] for name in NYUD] for scale, m in enumerate(initial)]
    sizes = [size_of(nn.ModuleList(modules)) for modules in initial]
    assert sizes == [75_447, 298_593, 1_188_117, 2_997_117]
    assert [size_of(m) for m in model.propagation] == [156_968, 626_128, 2_502_180]
    assert [size_of(m) for m in model.distillation] == [69_984, 279_936, 1_119_744, 4_478_976]
    assert size_of(model.heads) == 307_035


@pytest.mark.parametrize("scope", ["features", "last_layer", "shared"])
@pytest.mark.parametrize("weighter", [Uniform, AvgNorm])
@pytest.mark.parametrize("channels", [NYUD, TWIN], ids=len)
def test_every_gradient_equals_the_written_out_weighted_loss(channels, weighter, scope):
    image = torch.randn(2, 3, 64, 96)
    idle = "attention" if len(channels) == 1 else " "  # a softmax over one task
    assert_engine_equals_written_out(partial(small, channels), image, weighter(len(channels)), scope, idle)


def test_gramian_is_that_of_separate_passes():
    assert_gramian_is_that_of_separate_passes(partial(small, NYUD), torch.randn(2, 3, 64, 96), Uniform(4))


@pytest.mark.parametrize("channels", [PASCAL, TWIN], ids=len)
def test_every_parameter_is_listed_once(channels):
    assert_parameters_are_listed_once(small(channels))


def test_tasks_reach_each_others_first_blocks_and_gates_and_no_more():
    model = small(NYUD)
    assert_ownership(model, torch.randn(2, 3, 64, 96), foreign=("initial.", "squeeze_excite."))
    assert {id(p) for p in model.shared_parameters()} == {id(p) for p in model.backbone.parameters()}
    joint = [p for m in model.propagation for part in (m.attention, m.mix) for p in part.parameters()]
    assert [id(p) for p in model.joint_parameters()] == [id(p) for p in joint]


@pytest.mark.parametrize("weighter", [Uniform, AvgNorm])
@pytest.mark.parametrize("channels", [NYUD, TWIN], ids=len)
def test_it_trains(channels, weighter):
    assert_a_step_lowers_the_loss(small(channels), torch.randn(2, 3, 64, 64), weighter(len(channels)), "last_layer")


@pytest.mark.parametrize("size", [(64, 96), (45, 67), (33, 50)])
def test_any_size_is_predicted_at_the_size_of_the_image(size):
    assert_predictions(small(NYUD), NYUD, size)


def test_half_precision():
    assert_half_precision_works(small(NYUD), torch.randn(2, 3, 64, 96), Uniform(4))


@pytest.mark.parametrize("channels", [NYUD, TWIN], ids=len)
def test_scales_by_hand(channels):
    """The decoder written out from the coarsest scale to the finest; its modules have their own tests."""
    model, image = small(channels).eval(), torch.randn(2, 3, 64, 96)

    def up(x, size):
        return F.interpolate(x, size=size, mode="bilinear", align_corners=False)

    with torch.no_grad():
        outputs = model(image)
        x = model.backbone(image)
        f3 = {t: model.initial[t][3](x[3]) for t in channels}
        n3 = model.propagation[2](f3)
        f2 = {t: model.initial[t][2](torch.cat([x[2], up(n3[t], (4, 6))], 1)) for t in channels}
        n2 = model.propagation[1](f2)
        f1 = {t: model.initial[t][1](torch.cat([x[1], up(n2[t], (8, 12))], 1)) for t in channels}
        n1 = model.propagation[0](f1)
        f0 = {t: model.initial[t][0](torch.cat([x[0], up(n1[t], (16, 24))], 1)) for t in channels}
        distilled = [module(f) for module, f in zip(model.distillation, (f0, f1, f2, f3), strict=True)]
        for t in channels:
            torch.testing.assert_close(outputs.final[t], model.heads[t]([d[t] for d in distilled], (64, 96)))
            for scale, f in enumerate((f0, f1, f2, f3)):
                guess = up(model.predictions[t][scale](f[t]), (64, 96))
                torch.testing.assert_close(outputs.auxiliary[scale][t], guess)
    assert len(outputs.auxiliary) == 4


def test_bias_of_a_task_starts_all_its_predictions():
    task = Task("depth", 1, None, None, bias=2.6)
    model = MTINet([task], Scales(), HRNetHead, **NUMBERS)
    for predict in [*model.predictions["depth"], model.heads["depth"].output]:
        assert predict.bias.item() == pytest.approx(2.6)


@pytest.mark.parametrize("strides", [(8,), (16, 16, 16, 16), (4, 8, 8, 8)], ids=str)
def test_encoder_without_several_scales_is_refused(strides):
    with pytest.raises(ValueError, match=r"several scales.*backbone=hrnet18"):
        MTINet(records(TWIN), Scales(strides), HRNetHead, **NUMBERS)


@pytest.mark.parametrize("backbone", ["resnet18", "vit_tiny"])
def test_pair_that_does_not_fit_is_refused_by_name(backbone):
    cfg = build.compose(["model=mti_net", f"backbone={backbone}", "subset=depth"])
    with torch.device("meta"), pytest.raises(ValueError, match=r"model=mti_net .*backbone=hrnet18"):
        build.build_model(cfg, build.build_tasks(cfg))


def test_model_brings_its_backbone_and_that_its_recipe():
    cfg = build.compose(["model=mti_net"])
    assert (cfg.backbone.name, cfg.recipe.name) == ("hrnet18", "hrnet")


def test_regions_to_compile_belong_to_the_encoder_or_to_one_task():
    assert_regions(small(NYUD), torch.randn(2, 3, 64, 96))
