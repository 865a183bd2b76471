"""Runs that learn from frozen foundation models, here small networks with random weights from a file."""

from pathlib import Path

import pandas as pd
import pytest
import torch
from hydra.utils import instantiate
from stopped import assert_stopped_run_ends_as_an_undisturbed_one
from tiny import tiny
from torch import nn

from mtl import build
from mtl.build.distillation import backbone_of, build_distillation, build_teacher
from mtl.engine.teachers import FoundationModels
from mtl.engine.trainer import Trainer
from mtl.run.checkpoint import load_checkpoint

WORDS = ["dataset.height=16", "dataset.width=32", "subset=[depth,semseg]", "recipe.evaluate=end"]
WORDS += ["weighter.distil.teachers=[resnet_tiny,resnet_narrow]"]


@pytest.fixture(scope="module")
def home(tmp_path_factory) -> Path:
    """A folder with weights of two teachers."""
    folder = tmp_path_factory.mktemp("distil")
    for seed, word in enumerate(("resnet_tiny", "resnet_narrow")):
        torch.manual_seed(seed)
        torch.save(instantiate(backbone_of(word)["encoder"]).body.state_dict(), folder / f"{word}.pth")
    return folder


def trainer(home: Path, name: str, *more: str) -> Trainer:
    folder = home / name
    folder.mkdir(exist_ok=True)
    files = [f"+weighter.distil.checkpoints.{word}={home}/{word}.pth" for word in ("resnet_tiny", "resnet_narrow")]
    words = ["distil=radio", *WORDS, *files] if "distil=none" not in more else WORDS[:-1]
    return build.build_trainer(build.compose([*tiny(home, *words, *more), f"data={home}/data"]), folder)


def test_weight_zero_gives_the_plain_run_bit_for_bit_and_teachers_stay_as_they_are(home):
    runs = {"plain": ["distil=none"], "zero": ["weighter.distil.loss.weight=0"], "radio": []}
    found = {}
    for name, words in runs.items():
        run = trainer(home, name, "weighter=avgnorm", *words)
        run.fit()
        found[name] = load_checkpoint(home / name / "last.pt")
        assert not any("adaptor" in key for key in found[name]["model"])
    assert all(torch.equal(value, found["zero"]["model"][key]) for key, value in found["plain"]["model"].items())
    assert not all(torch.equal(value, found["radio"]["model"][key]) for key, value in found["plain"]["model"].items())
    rows = {name: pd.read_csv(home / name / "gradients.csv") for name in runs}
    distances = ["distil/resnet_tiny", "distil/resnet_narrow"]
    assert (rows["radio"][distances] > 0).all(axis=None)
    pd.testing.assert_frame_equal(rows["zero"].drop(columns=distances), rows["plain"])
    pd.testing.assert_frame_equal(rows["radio"].iloc[:1].drop(columns=distances), rows["plain"].iloc[:1])
    teacher = run.objective.distillation.teachers.models[0]
    assert not teacher.training
    saved = torch.load(home / "resnet_tiny.pth")
    assert all(torch.equal(value, saved[key]) for key, value in teacher.body.state_dict().items())
    assert not any(parameter.requires_grad for parameter in teacher.parameters())


@pytest.mark.parametrize("precision", ["bfloat16", "float16"])
def test_adaptors_learn_in_half_precision(home, precision):
    one = "weighter.distil.teachers=[resnet_tiny]", "~weighter.distil.checkpoints.resnet_narrow", "recipe.steps=1"
    run = trainer(home, precision, *one, f"recipe.precision={precision}", "recipe.batch_size=2", "subset=depth")
    before = [p.detach().clone() for p in run.objective.distillation.parameters()]
    assert run.fit()["skipped_steps"] == 0
    for old, new in zip(before, run.objective.distillation.parameters(), strict=True):
        moved = (new.detach() - old).abs().max().item()
        assert moved == pytest.approx(1e-3, rel=0.05)  # the first step of Adam is its learning rate


def test_stopped_run_ends_as_an_undisturbed_one_in_parts_of_a_batch(home):
    assert_stopped_run_ends_as_an_undisturbed_one(lambda name: trainer(home, name, "recipe.micro_batches=2"))
    ours, theirs = (load_checkpoint(home / f"{name}/last.pt")["distillation"] for name in ("parts", "whole"))
    for key, value in theirs.items():
        if key != "_extra_state":
            assert torch.equal(value, ours[key]), key


def test_images_are_given_to_teachers_in_their_own_statistics_and_size():
    class Shown(nn.Module):
        channels = (3,)

        def nearest_size(self, height: int, width: int) -> tuple[int, int]:
            return height // 2, width

        def forward(self, image):
            return [image]

    image = torch.rand(2, 3, 4, 6)
    mean, std, own = [0.5, 0.4, 0.3], [0.2, 0.3, 0.4], ([0.1, 0.2, 0.3], [0.5, 0.6, 0.7])
    models = FoundationModels({"one": Shown()}, mean, std, [own])
    assert models.channels == [(3,)]
    normalised = [
        (image - torch.tensor(m)[:, None, None]) / torch.tensor(s)[:, None, None] for m, s in ((mean, std), own)
    ]
    ((shown,),) = models.features(normalised[0])
    torch.testing.assert_close(shown, nn.functional.interpolate(normalised[1], (2, 6), mode="bilinear"))


def cfg_of(*more: str):
    return build.compose(["distil=radio", "backbone=resnet_tiny", *more])


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["weighter.distil.teachers=[vit_bse]"], r"there is no backbone=vit_bse; did you mean vit_base\?"),
        (["weighter.distil.teachers=[vit_base_clip,vit_base_clip]"], "teachers has vit_base_clip twice"),
        (["weighter.distil.teachers=[resnet_tiny]"], "teacher resnet_tiny has no pretrained weights to learn from"),
        (["+weighter.distil.checkpoints.vit_base_sam=/no"], r"checkpoints\.vit_base_sam=/no: no such file"),
        (
            ["+weighter.distil.checkpoints.sam=/no"],
            r"checkpoints\.sam: weighter\.distil\.teachers has no sam, only vit",
        ),
    ],
)
def test_teachers_that_cannot_be_had_are_named(words, line, monkeypatch):
    monkeypatch.setattr("mtl.build.distillation.build_teacher", checked)
    model = build.build_model(cfg := cfg_of(*words), build.build_tasks(cfg))
    with pytest.raises(ValueError, match=line):
        build_distillation(cfg, model, 3)


def checked(word: str, checkpoint: str | None, final_norm: bool):
    """The teacher; that of a word with weights on the hub is not built."""
    if checkpoint is None and word in ("vit_base_clip", "vit_base_dinov2"):
        return nn.Identity()
    return build_teacher(word, checkpoint, final_norm)


def test_weights_of_another_network_and_weights_that_cannot_be_downloaded_are_named(home, monkeypatch):
    with pytest.raises(ValueError, match=r"teacher resnet_narrow: .*resnet_tiny\.pth does not hold the weights of"):
        build_teacher("resnet_narrow", f"{home}/resnet_tiny.pth", True)

    def offline(*_, **__):
        raise OSError("no network")

    monkeypatch.setattr("mtl.backbones.pretrained.load_state_dict_from_hf", offline)
    with pytest.raises(ConnectionError) as error:
        build_teacher("vit_tiny", None, True)
    line = str(error.value)
    assert line.startswith("teacher vit_tiny: cannot download the weights of vit_tiny_patch16_384")
    assert line.endswith("and give +weighter.distil.checkpoints.vit_tiny=FILE")


def test_what_does_not_work_together_is_refused():
    cfg = cfg_of("sharpness=shared", "weighter=cagrad", "model=cross_stitch")
    with pytest.raises(ValueError, match="sharpness does not work with teachers"):
        build.trainer.build_sharpness(cfg)
    model = build.build_model(cfg, build.build_tasks(cfg))
    with pytest.raises(ValueError, match="distil needs the features of a shared encoder"):
        build.trainer.check_shared_encoder(cfg, model, build.build_weighter(cfg, build.build_tasks(cfg)))
