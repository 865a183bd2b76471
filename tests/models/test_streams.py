"""Networks whose tasks share no encoder: cross-stitch and NDDR."""

import re
from functools import partial

import catalogue
import pytest
import torch
from hydra.utils import get_class
from narrow import HEAD, SIZE, narrow
from properties import (
    NYUD,
    PASCAL,
    assert_ownership,
    engine_step,
    losses_of,
    published,
    records,
    size_of,
)
from tiny import tiny

import mtl
from mtl import build
from mtl.backbones import Pyramid
from mtl.build.trainer import check_shared_encoder
from mtl.models import NDDR, CrossStitch, Vanilla
from mtl.models.cross_stitch import Stitch
from mtl.models.nddr import Fuse
from mtl.models.streams import shares
from mtl.weighters import AvgNorm, Needs, Uniform

BOTH = pytest.mark.parametrize("word", ["cross_stitch", "nddr"])
PAIR = {"depth": 1, "edge": 1}
SIZES = [
    ("cross_stitch", "resnet18", NYUD, 63_621_677),
    ("cross_stitch", "resnet18", PASCAL, 79_526_178),
    ("cross_stitch", "resnet50", NYUD, 158_606_893),
    ("nddr", "resnet18", NYUD, 69_250_605),
    ("nddr", "resnet18", PASCAL, 88_318_818),
    ("nddr", "resnet50", NYUD, 247_771_181),
]
GRAMIAN = [name for name in catalogue.NAMES if get_class(catalogue.config(name).method._target_).needs is Needs.GRAMIAN]


@pytest.mark.parametrize(("word", "backbone", "channels", "size"), SIZES, ids=str)
def test_network_has_the_published_size(word, backbone, channels, size):
    assert size_of(published(word, channels, f"backbone={backbone}")) == size


@pytest.mark.parametrize(("word", "size"), [("cross_stitch", 15_360), ("nddr", 5_644_288)])
def test_units_have_the_published_size(word, size):
    assert size_of(published(word, NYUD).units) == size


def test_shares_by_hand():
    torch.testing.assert_close(shares(3, 0.8), torch.tensor([[0.8, 0.1, 0.1], [0.1, 0.8, 0.1], [0.1, 0.1, 0.8]]))
    assert shares(1, 0.8).item() == 1


def maps(*values):
    return [torch.full((2, 3, 1, 1), float(value)) for value in values]


def test_stitch_by_hand():
    unit = Stitch(2, 3, 0.9)
    for found, expected in zip(unit(maps(2, 5)), (2.3, 4.7), strict=True):
        torch.testing.assert_close(found, torch.full((2, 3, 1, 1), expected))


def test_fusion_by_hand():
    unit = Fuse(torch.tensor([[0.8, 0.1], [0.1, 0.8]]), 3, 0.05)
    for layer, expected in zip(unit.layers, (2.1, 4.2), strict=True):
        torch.testing.assert_close(layer[0](torch.cat(maps(2, 5), dim=1)), torch.full((2, 3, 1, 1), expected))
    assert all(layer[1].momentum == 0.05 for layer in unit.layers)


def test_single_task_cross_stitch_is_the_vanilla_network():
    stitched, image = narrow("cross_stitch", {"normals": 3}), torch.randn(2, 3, *SIZE)
    network = narrow("vanilla", {"normals": 3})
    parts = [*network.backbone.body.values()]
    twin = stitched.encoders["normals"]
    state = torch.nn.Sequential(*parts).state_dict()
    torch.nn.Sequential(*twin[0], *list(twin)[1:]).load_state_dict(state)
    stitched.heads.load_state_dict(network.heads.state_dict())
    torch.testing.assert_close(stitched(image).final["normals"], network(image).final["normals"])


@BOTH
def test_ownership(word):
    assert_ownership(narrow(word, NYUD), torch.randn(2, 3, *SIZE))


def test_everything_is_behind_the_cut():
    model, image = narrow("nddr", PAIR), torch.randn(1, 3, *SIZE)
    (first,) = model.encode(image)
    assert first is image
    assert model.last_layer is None


def small(make, **options):
    torch.manual_seed(0)
    network = {"layers": [1, 1, 1, 1], "channels": [4, 4, 4, 4], "stem_width": 4, "stem_type": "deep"}
    backbone = Pyramid("resnet18.tv_in1k", pretrained=False, output_stride=8, **network)
    return make(records(PAIR), backbone, HEAD, own=0.8, lr_factor=1.0, **options).double()


@pytest.mark.parametrize("name", GRAMIAN)
def test_update_of_every_weighter_is_made_of_the_task_gradients(name):
    image = torch.randn(2, 3, 24, 24, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    model = small(CrossStitch)
    shared, losses = model.shared_parameters(), losses_of(model(image))
    rows = [torch.autograd.grad(loss, shared, retain_graph=True) for loss in losses]
    applied = catalogue.applied(name) | {"scope": "shared"}
    result = engine_step(model, image, catalogue.weighter(name, ",".join(PAIR)), **applied)
    flat = torch.stack([torch.cat([g.flatten() for g in row]) for row in rows])  # [T, P]
    torch.testing.assert_close(result.gramian if result.gramian is not None else flat @ flat.T, flat @ flat.T)
    found = torch.cat([parameter.grad.flatten() for parameter in shared])
    torch.testing.assert_close(found, result.shared_weights.double() @ flat, rtol=1e-6, atol=1e-9 * found.abs().max())


def test_micro_batches_make_the_update_of_the_batch():
    image = torch.randn(4, 3, 24, 24, dtype=torch.float64)
    make = partial(small, CrossStitch)
    gradients = []
    for parts in (1, 2):
        model = make().eval()  # BatchNorm would see half the batch
        accumulation = mtl.Accumulation(AvgNorm(2), parts, scope="shared")
        for part in image.chunk(parts):
            features = mtl.cut(model.encode(part), 2)
            losses = losses_of(model.decode(features, (24, 24)))
            accumulation.add(losses, features, shared=model.shared_parameters())
        accumulation.finish()
        gradients.append(torch.cat([parameter.grad.flatten() for parameter in model.parameters()]))
    torch.testing.assert_close(*gradients)


@pytest.mark.parametrize("weighter", [Uniform, AvgNorm])
def test_overflow_reaches_a_gradient(weighter):
    model, image = small(NDDR, bn_momentum=0.05), torch.randn(2, 3, 24, 24, dtype=torch.float64)
    features = mtl.cut(model.encode(image), 2)
    first, second = losses_of(model.decode(features, (24, 24)))
    shared = model.shared_parameters()
    second = second + 0 * (shared[0].sum() * 0).sqrt()  # finite, with a gradient that is not
    mtl.backward([first, second], features, weighter(2), scope="shared", shared=shared, loss_scale=8.0)
    assert not all(parameter.grad.isfinite().all() for parameter in model.parameters() if parameter.grad is not None)


@pytest.mark.parametrize("scope", ["features", "last_layer"])
def test_other_scopes_have_no_task_gradients(scope):
    with pytest.raises(ValueError, match=f"no task gradients at scope {scope}.*use scope shared"):
        engine_step(small(CrossStitch), torch.randn(2, 3, 24, 24, dtype=torch.float64), AvgNorm(2), scope=scope)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["weighter=avgnorm"], "weighter.scope=last_layer: in model=cross_stitch.*use weighter.scope=shared"),
        (["weighter=avgnorm", "weighter.scope=features"], "weighter.scope=features: .*use weighter.scope=shared"),
        (["logging.gradient_statistics.scope=features"], "logging.gradient_statistics.scope=features: "),
        (["weighter=url"], "weighter=url needs the features of a shared encoder"),
        (["weighter=rotograd"], "weighter=rotograd needs the features of a shared encoder"),
        (["logging.feature_distance=true"], "logging.feature_distance=true needs the features"),
    ],
    ids=str,
)
def test_what_needs_a_shared_encoder_is_refused_before_training(words, message):
    cfg = build.compose(["model=cross_stitch", "subset=[depth,edge]", *words])
    weighter = build.build_weighter(cfg, records(PAIR))
    with pytest.raises(ValueError, match=re.escape(message) if "*" not in message else message):
        check_shared_encoder(cfg, small(CrossStitch), weighter)


def test_it_trains_and_units_have_their_learning_rate(tmp_path):
    words = tiny(tmp_path, "model=cross_stitch", "weighter=avgnorm", "weighter.scope=shared", "subset=[depth,normals]")
    words += ["model.network.lr_factor=100", "model.init=pretrained"]
    trainer = build.build_trainer(build.compose(words), tmp_path)
    rate = trainer.optimizer.param_groups[0]["lr"]
    assert [group["lr"] / rate for group in trainer.optimizer.param_groups] == [1, 100]
    listed = {id(p) for group in trainer.optimizer.param_groups for p in group["params"]}
    assert listed == {id(p) for p in trainer.model.parameters()}
    assert trainer.fit()["steps"] == 3


@BOTH
def test_encoder_without_stages_is_refused(word):
    with pytest.raises(Exception, match=rf"model={word} needs the four stages.*use backbone=resnet18"):
        published(word, NYUD, "backbone=vit_tiny")


def test_one_group_of_parameters_is_the_default():
    model = narrow("vanilla", PAIR)
    assert isinstance(model, Vanilla)
    (group,) = model.parameter_groups()
    assert group["lr_factor"] == 1
    assert [id(p) for p in group["params"]] == [id(p) for p in model.parameters()]
