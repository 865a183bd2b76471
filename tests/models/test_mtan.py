from functools import partial

import pytest
import torch
import torch.nn.functional as F
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
from mtl.backbones import Pyramid
from mtl.heads import DeepLabHead
from mtl.models import MTAN
from mtl.models.mtan import AttentionMask
from mtl.weighters import AvgNorm, Uniform

TWIN = {"normals": 3}
WIDTHS = [8, 12, 16, 20]


def small(channels, **options):
    torch.manual_seed(0)
    network = {"layers": [2, 2, 3, 2], "channels": WIDTHS, "stem_width": 8, "stem_type": "deep"} | options
    backbone = Pyramid("resnet18.tv_in1k", pretrained=False, output_stride=8, **network)
    head = partial(DeepLabHead, channels=8, dilations=(2, 4), dropout=0.0)
    return MTAN(records(channels), backbone, head, reduction=4)


@pytest.mark.parametrize(
    ("backbone", "channels", "size"),
    [
        ("resnet18", {"semseg": 40}, 16_671_736),
        ("resnet18", NYUD, 31_630_637),
        ("resnet18", PASCAL, 36_613_682),
        ("resnet50", {"semseg": 40}, 51_751_080),
        ("resnet50", NYUD, 112_656_493),
        ("resnet50", PASCAL, 132_955_042),
    ],
)
def test_network_has_the_published_size(backbone, channels, size):
    assert size_of(published("mtan", channels, f"backbone={backbone}")) == size


@pytest.mark.parametrize("scope", ["features", "last_layer", "shared"])
@pytest.mark.parametrize("weighter", [Uniform, AvgNorm])
@pytest.mark.parametrize("channels", [NYUD, TWIN], ids=len)
def test_every_gradient_equals_the_written_out_weighted_loss(channels, weighter, scope):
    image = torch.randn(2, 3, 32, 48)
    assert_engine_equals_written_out(partial(small, channels), image, weighter(len(channels)), scope)


def test_gramian_covers_the_refinements():
    assert_gramian_is_that_of_separate_passes(partial(small, NYUD), torch.randn(2, 3, 32, 48), Uniform(4))


@pytest.mark.parametrize("channels", [PASCAL, TWIN], ids=len)
def test_every_parameter_is_listed_once(channels):
    assert_parameters_are_listed_once(small(channels))


def test_tasks_share_encoder_and_refinements_and_nothing_else():
    model = small(NYUD)
    assert_ownership(model, torch.randn(2, 3, 32, 48))
    behind = {id(p) for p in model.shared_parameters()} - {id(p) for p in model.backbone.parameters()}
    assert behind == {id(p) for p in model.refinements.parameters()}
    assert any(model.last_layer is parameter for parameter in model.backbone.parameters())


@pytest.mark.parametrize("weighter", [Uniform, AvgNorm])
@pytest.mark.parametrize("channels", [NYUD, TWIN], ids=len)
def test_it_trains(channels, weighter):
    assert_a_step_lowers_the_loss(small(channels), torch.randn(2, 3, 32, 48), weighter(len(channels)), "last_layer")


@pytest.mark.parametrize("stem_pool", [True, False])
@pytest.mark.parametrize("size", [(64, 96), (45, 67), (33, 50)])
def test_any_size_is_predicted_at_the_size_of_the_image(size, stem_pool):
    assert_predictions(small(NYUD, stem_pool=stem_pool), NYUD, size)


@pytest.mark.parametrize("output_stride", [16, 32])
def test_refinement_pools_wherever_the_encoder_does(output_stride):
    backbone = Pyramid("resnet18.tv_in1k", pretrained=False, output_stride=output_stride, channels=WIDTHS)
    head = partial(DeepLabHead, channels=8, dilations=(2,), dropout=0.0)
    assert_predictions(MTAN(records(NYUD), backbone, head, reduction=4), NYUD, (77, 110))


def test_half_precision():
    assert_half_precision_works(small(NYUD), torch.randn(2, 3, 64, 96), Uniform(4))


def plain_bn(x, norm):
    return F.batch_norm(x, norm.running_mean, norm.running_var, norm.weight, norm.bias, eps=1e-5)


def shaken(module):
    """The module in evaluation mode, with no parameter left at 0 or 1, which would hide an omission."""
    torch.manual_seed(1)
    for norm in module.modules():
        if isinstance(norm, nn.BatchNorm2d):
            nn.init.uniform_(norm.weight, 0.5, 2)
            nn.init.normal_(norm.bias)
            nn.init.normal_(norm.running_mean)
            nn.init.uniform_(norm.running_var, 0.5, 2)
    return module.eval()


def plain_mask(mask, x):
    first, norm, _, second, last, _ = mask
    hidden = F.relu(plain_bn(F.conv2d(x, first.weight, first.bias), norm))
    return torch.sigmoid(plain_bn(F.conv2d(hidden, second.weight, second.bias), last))


def plain_bottleneck(block, x):
    hidden = F.relu(plain_bn(F.conv2d(x, block.conv1.weight), block.bn1))
    hidden = F.relu(plain_bn(F.conv2d(hidden, block.conv2.weight, padding=1), block.bn2))
    hidden = plain_bn(F.conv2d(hidden, block.conv3.weight), block.bn3)
    return F.relu(hidden + plain_bn(F.conv2d(x, block.downsample[0].weight), block.downsample[1]))


def test_mask_by_hand():
    """One pixel, one channel in, four out, hidden width one: every number can be checked by hand."""
    mask = AttentionMask(1, 4, reduction=4).eval()
    with torch.no_grad():
        mask[0].weight.fill_(2.0)
        mask[0].bias.fill_(-1.0)
        mask[3].weight.copy_(torch.tensor([0.0, 1.0, -1.0, 2.0]).view(4, 1, 1, 1))
        mask[3].bias.fill_(0.5)
    found = mask(torch.tensor([[[[3.0]]]])).flatten()
    hidden = 5 / (1 + 1e-5) ** 0.5  # relu(2 * 3 - 1), BatchNorm of mean 0 and variance 1
    expected = torch.tensor([0.5, hidden + 0.5, 0.5 - hidden, 2 * hidden + 0.5]) / (1 + 1e-5) ** 0.5
    torch.testing.assert_close(found, torch.sigmoid(expected))


def test_stages_by_hand():
    """b and u are read off the network with hooks, the rest is plain torch."""
    model = shaken(small(NYUD))
    body = model.backbone.network.body
    seen = {}
    for stage in range(1, 5):
        for place, block in (("b", body[f"layer{stage}"][-2]), ("u", body[f"layer{stage}"][-1])):
            block.register_forward_hook(lambda *a, key=f"{place}{stage}": seen.update({key: a[2]}))
    with torch.no_grad():
        outputs = model(torch.randn(2, 3, 64, 96))
        for name, head in model.heads.items():
            masks = model.masks[name]
            attended = plain_mask(masks[0], seen["b1"]) * seen["u1"]
            for stage in (2, 3, 4):
                block = model.refinements[stage - 2]
                if stage == 2:
                    message = F.max_pool2d(plain_bottleneck(block[0], attended), 2, 2)
                else:
                    message = plain_bottleneck(block, attended)
                mask = plain_mask(masks[stage - 1], torch.cat([seen[f"b{stage}"], message], 1))
                attended = mask * seen[f"u{stage}"]
            torch.testing.assert_close(outputs.final[name], head([attended], (64, 96)))


def test_refinement_keeps_the_size_where_stages_are_dilated():
    pools = [[type(m) for m in r.modules()].count(nn.MaxPool2d) for r in small(NYUD).refinements]
    assert pools == [1, 0, 0]


@pytest.mark.parametrize("backbone", ["hrnet18", "vit_tiny"])
def test_pair_that_does_not_fit_is_refused_by_name(backbone):
    cfg = build.compose(["model=mtan", f"backbone={backbone}", "subset=depth"])
    with torch.device("meta"), pytest.raises(ValueError, match=r"four residual stages.*model=mtan.*backbone=resnet18"):
        build.build_model(cfg, build.build_tasks(cfg))


def test_stage_of_a_single_block_is_refused():
    with pytest.raises(ValueError, match=r"stage of one block.*layers=\[2,2,2,2\]"):
        small(TWIN, layers=[2, 2, 1, 2])


def test_regions_to_compile_belong_to_the_encoder_or_to_one_task():
    assert_regions(small(NYUD), torch.randn(2, 3, 45, 67))
