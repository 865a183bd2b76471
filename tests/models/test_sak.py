import json
from functools import partial
from pathlib import Path

import pandas as pd
import pytest
import torch
from hydra.utils import instantiate
from narrow import SIZE, narrow
from properties import (
    NYUD,
    PASCAL,
    assert_engine_equals_written_out,
    assert_gramian_is_that_of_separate_passes,
    assert_ownership,
    published,
    size_of,
)
from stopped import assert_stopped_run_ends_as_an_undisturbed_one
from tiny import tiny
from torch import Tensor

from mtl import build
from mtl.backbones.adapted import Adaptor
from mtl.build.distillation import backbone_of
from mtl.losses.feature_distillation import adaptor_of
from mtl.models.sak import Mixture
from mtl.weighters import AvgNorm, Uniform

FOLDER = Path(__file__).parents[1] / "golden/weighters"
GOLDEN = json.loads((FOLDER / "mixture_of_representations__SAK.json").read_text())["cases"]


def double(values: list) -> Tensor:
    return torch.tensor(values, dtype=torch.float64)


@pytest.mark.parametrize("case", GOLDEN, ids=lambda c: c["id"])
def test_golden_mixture(case):
    stem, *paths = (
        tokens.mT.unflatten(2, (case["height"], case["width"]))
        for tokens in (double(case["stem"]), *double(case["teachers"]))
    )
    mixture = Mixture(4, 3).double().eval()
    keys = {"0": "fc1", "1": "norm", "3": "fc2"}
    state = {f"router.{n}.{k}": double(case[f"{key}_{k}"]) for n, key in keys.items() for k in ("weight", "bias")}
    mixture.load_state_dict(state)
    torch.testing.assert_close(mixture([stem, *paths]), double(case["expected"]["output"]), rtol=1e-10, atol=1e-12)


def test_mixture_by_hand_and_its_noise():
    mixture, maps = Mixture(4, 3), [torch.full((1, 4, 2, 2), value) for value in (1.0, 2.0, 4.0)]
    torch.nn.init.zeros_(mixture.router[3].weight)
    levels = torch.full((3,), -50.0)  # softplus of them is 0
    with torch.no_grad():
        mixture.router[3].bias.copy_(torch.cat([torch.tensor([1.0, 2.0, 5.0]).log(), levels]))  # 1/8, 1/4, 5/8
    assert mixture.eval()(maps).unique().item() == pytest.approx(3.125)
    found = torch.stack([mixture.train()(maps)[0, 0, 0, 0] for _ in range(50)])
    assert 0.003 < found.std() < 0.03  # d(mixture)/d(logits) is about 1, the noise 0.01
    assert found.mean().item() == pytest.approx(3.125, abs=0.01)


SIZES = [
    ("vit_base", NYUD, (448, 576), 126_404_372),
    ("vit_base", PASCAL, (512, 512), 133_505_320 + 769),  # saliency has two outputs here
    ("vit_tiny", NYUD, (448, 576), 9_989_732 - 1_778_688),  # without the layers of the objective
]


@pytest.mark.parametrize(("backbone", "channels", "sides", "size"), SIZES)
def test_network_has_the_size_of_the_authors_code(backbone, channels, sides, size):
    words = [f"backbone={backbone}", f"dataset.height={sides[0]}", f"dataset.width={sides[1]}"]
    assert size_of(published("sak", channels, *words)) == size


def test_sizes_of_the_parts():
    assert [size_of(Adaptor(width, 4)) for width in (768, 192)] == [295_873, 18_673]
    assert [size_of(Mixture(width, 4)) for width in (768, 192)] == [299_144, 19_496]
    assert 12 * size_of(adaptor_of("linear", 192, 768)) == 1_778_688


@pytest.mark.parametrize("scope", ["features", "last_layer"])
def test_every_gradient_equals_the_written_out_weighted_loss(scope):
    image = torch.randn(2, 3, *SIZE, generator=torch.Generator().manual_seed(1))
    assert_engine_equals_written_out(partial(narrow, "sak", NYUD, paths=2), image, AvgNorm(4), scope)


def test_gramian_and_owners():
    image = torch.randn(2, 3, *SIZE)
    assert_gramian_is_that_of_separate_passes(partial(narrow, "sak", NYUD), image, Uniform(4))
    assert_ownership(narrow("sak", NYUD), image)


def test_paths_follow_their_recursion_and_maps_come_in_order():
    backbone = narrow("sak", NYUD, paths=2).backbone.eval()
    image = torch.randn(1, 3, *SIZE)
    maps = backbone(image)
    assert [tuple(m.shape) for m in maps] == [(1, 16, 4, 8)] * 12
    body = backbone.body
    x = body.norm_pre(body._pos_embed(body.patch_embed(image)))
    r = backbone.adaptors[1][0](x)
    for index, block in enumerate(body.blocks):
        x = block(x)
        r = backbone.adaptors[1][index + 1](r + x)
        for tokens, place in ((x, index), (backbone.norms[1][index](r), 8 + index)):
            torch.testing.assert_close(maps[place], tokens[:, 1:].transpose(1, 2).reshape(1, 16, 4, 8))


def test_other_number_of_teachers_and_other_encoders_are_refused():
    with pytest.raises(ValueError, match=r"model=sak has 3 paths, but weighter.distil.teachers has 2 .*paths=2"):
        narrow("sak", NYUD).paths(2)
    for word in ("resnet18", "vit_base_sam"):
        cfg = build.compose(["model=sak", f"backbone={word}"])
        with torch.device("meta"), pytest.raises(Exception, match="model=sak needs a plain vision transformer, not"):
            build.build_model(cfg, build.build_tasks(cfg))


def trainer(home: Path, name: str, *more: str):
    (home / name).mkdir(exist_ok=True)
    words = [
        "model=sak",
        "backbone=vit_tiny",
        "model.network.paths=2",
        "subset=[depth,semseg]",
        "recipe.evaluate=end",
        *SMALL,
    ]
    files = [f"+weighter.distil.checkpoints.{word}={home}/{word}.pth" for word in TEACHERS]
    files += [f"weighter.distil.teachers=[{','.join(TEACHERS)}]"]
    return build.build_trainer(build.compose([*tiny(home, *words, *files, *more), f"data={home}/data"]), home / name)


TEACHERS = ("resnet_tiny", "resnet_narrow")
SMALL = ["dataset.height=32", "dataset.width=32", "backbone.encoder.taps=[2]", "recipe.optimizer.lr=1e-3"]
SMALL += [f"+backbone.encoder.{key}" for key in ("depth=2", "embed_dim=16", "num_heads=2")]


def test_run_distils_into_the_paths_and_ends_the_same_when_stopped(tmp_path):
    for word in TEACHERS:
        torch.save(instantiate(backbone_of(word)["encoder"]).body.state_dict(), tmp_path / f"{word}.pth")
    whole = trainer(tmp_path, "whole", "weighter=avgnorm")
    module = whole.objective.distillation
    assert module.paths == [[1], [2]]
    before = [p.detach().clone() for p in module.parameters()]
    made = {"whole": whole}
    assert_stopped_run_ends_as_an_undisturbed_one(
        lambda name: made.get(name) or trainer(tmp_path, name, "weighter=avgnorm")
    )
    assert not any(torch.equal(a, b) for a, b in zip(before, module.parameters(), strict=True))
    assert all(p.grad is not None for p in whole.model.parameters())
    assert not any(p.grad is not None or p.requires_grad for t in module.teachers.models for p in t.parameters())
    assert "distil/resnet_tiny" in pd.read_csv(tmp_path / "whole/gradients.csv")
