import pytest
import torch
from narrow import SIZE, narrow
from omegaconf import OmegaConf
from properties import (
    NYUD,
    PASCAL,
    assert_engine_equals_written_out,
    assert_ownership,
    assert_regions,
    published,
    size_of,
)

from mtl import build
from mtl.build.model import rebuild
from mtl.layers import resize
from mtl.losses import TotalLoss
from mtl.weighters import AvgNorm

SIZES = [
    ("atrc", "global", NYUD, 4_734_172),
    ("atrc", "local", NYUD, 4_734_172),
    ("atrc", "global", {"semseg": 40}, 4_046_982),
    ("atrc", "global", PASCAL, 5_007_782),
    ("atrc_labels", "tlabel", NYUD, 5_060_994),
    ("atrc_labels", "slabel", NYUD, 5_060_994),
    ("atrc_labels", "tlabel", PASCAL, 5_394_494),
    ("atrc_nyud", None, NYUD, 5_060_994),
    ("atrc_pascal", None, PASCAL, 5_383_142),
]


@pytest.mark.parametrize(("word", "context", "channels", "size"), SIZES, ids=str)
def test_network_has_the_published_size(word, context, channels, size):
    words = [] if context is None else [f"model.network.context={context}"]
    assert size_of(published(word, channels, *words)) == size


@pytest.mark.parametrize("context", ["local", "slabel"])
def test_other_contexts_have_the_gradient_of_the_written_out_loss(context):
    channels = {"depth": 1, "edge": 1}
    assert_engine_equals_written_out(
        lambda: narrow("atrc_labels", channels, context=context), torch.randn(2, 3, *SIZE), AvgNorm(2), "shared"
    )


@pytest.mark.parametrize("word", ["atrc", "atrc_labels"])
def test_at_first_every_task_reads_its_own_features_only(word):
    cfg = build.compose([f"model={word}", "subset=[depth,edge]", "backbone.pretrained=false"])
    model, image = build.build_model(cfg, build.build_tasks(cfg)).eval(), torch.randn(1, 3, *SIZE)
    with torch.no_grad():
        found = model(image).final["depth"]
        f = model.features["depth"](model.encode(image)[0])
        plain = model.outputs["depth"](model.mix["depth"](torch.cat([f, torch.zeros_like(f)], dim=1)))
    torch.testing.assert_close(found, resize(plain, SIZE))


def test_coarse_labels_reach_no_shared_parameter():
    model = narrow("atrc_labels", NYUD)
    coarse = sum(logits.square().sum() for logits in model(torch.randn(2, 3, *SIZE)).coarse.values())
    coarse.backward()
    assert all(parameter.grad is None for parameter in model.shared_parameters())
    assert all(parameter.grad is not None for parameter in model.coarse.parameters())


def test_labels_of_the_source_are_told_apart_from_those_of_the_target():
    image = torch.randn(2, 3, *SIZE)
    for context, reached in (("tlabel", False), ("slabel", True)):
        model = narrow("atrc_labels", {"depth": 1, "edge": 1}, context=context)
        model(image).final["depth"].sum().backward()
        assert (model.coarse["edge"][1].weight.grad is not None) == reached
        assert model.coarse["depth"][1].weight.grad is not None


def test_ownership():
    foreign = ("features.", "coarse.")
    assert_ownership(narrow("atrc_nyud", NYUD), torch.randn(2, 3, *SIZE), foreign=foreign)
    assert_ownership(narrow("atrc", NYUD), torch.randn(2, 3, *SIZE), foreign=foreign[:1])


def test_regions_to_compile():
    cfg = build.compose(["model=atrc", "backbone.pretrained=false", "subset=[depth,edge]"])
    assert_regions(build.build_model(cfg, build.build_tasks(cfg)), torch.randn(2, 3, *SIZE))


def test_loss_of_a_task_has_that_of_its_coarse_labels():
    cfg = build.compose(["model=atrc_labels", "subset=[depth,normals]", "backbone.pretrained=false"])
    tasks = build.build_tasks(cfg)
    outputs = build.build_model(cfg, tasks)(torch.randn(2, 3, *SIZE))
    depth, normals = torch.full((2, 1, *SIZE), 2.0), torch.zeros(2, 3, *SIZE)
    normals[:, 2] = 1
    depth[0], normals[0] = 0, 0
    labels = {"depth": depth, "normals": normals}
    found, counts = TotalLoss(tasks)(outputs, labels)
    for task, loss, count in zip(tasks, found, counts, strict=True):
        main, coarse = (
            f(o[task.name], labels[task.name])[0]
            for f, o in ((task.loss, outputs.final), (task.coarse.loss, outputs.coarse))
        )
        torch.testing.assert_close(loss, (main + coarse) / count)
        assert coarse > 0


def test_only_networks_with_coarse_labels_have_them_in_their_tasks_and_their_hash():
    plain, labels = (build.compose([f"model={word}", "subset=depth"]) for word in ("atrc", "atrc_labels"))
    assert build.build_tasks(plain)[0].coarse is None
    assert build.build_tasks(labels)[0].coarse.channels == 40
    assert "coarse" not in build.science(plain)["model"]
    assert list(build.science(labels)["model"]["coarse"]) == ["depth"]


def test_network_is_rebuilt_from_its_config(tmp_path):
    cfg = build.compose(["model=atrc_nyud", "subset=[depth,edge]", "backbone.pretrained=false"])
    OmegaConf.resolve(cfg)
    OmegaConf.save(cfg, tmp_path / "config.yaml")
    model, *_ = rebuild(tmp_path / "config.yaml")
    assert model.coarse["depth"][1].out_channels == 40
    cfg.model.coarse.depth._target_ = "os.system"
    OmegaConf.save(cfg, tmp_path / "config.yaml")
    with pytest.raises(ValueError, match=r"model.coarse.depth._target_ names os.system"):
        rebuild(tmp_path / "config.yaml")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            ["model=atrc", "model.network.context=tlabel"],
            "need coarse labels of depth.*use model=atrc_labels, or model.network.context=global or local",
        ),
        (["model=atrc_pascal"], r"nothing for target depth and source depth: add \+model.network.context.depth.depth"),
        (["model=atrc_nyud", "model.network.context.depth={depth:none,edge:none}"], "leaves depth no source"),
    ],
    ids=str,
)
def test_contexts_that_cannot_be_built_are_refused(words, message):
    cfg = build.compose([*words, "subset=[depth,edge]", "backbone.pretrained=false"])
    with pytest.raises(Exception, match=message):
        build.build_model(cfg, build.build_tasks(cfg))
