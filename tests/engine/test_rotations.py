"""RotoGrad's rotations: gradients against the authors' code, by hand, in parts, in processes and in runs."""

import json
from pathlib import Path

import pytest
import torch
from stopped import assert_stopped_run_ends_as_an_undisturbed_one
from tiny import tiny
from torch import Tensor, nn

import mtl
from mtl import build
from mtl.engine.rotations import RotationLearner
from mtl.engine.trainer import Trainer
from mtl.layers import Rotation
from mtl.run.checkpoint import load_checkpoint
from mtl.weighters import RotoGrad, Uniform

CASES = json.loads((Path(__file__).parents[1] / "golden/weighters/rotograd__rotograd.json").read_text())["cases"]
IMAGES = torch.randn(3, 8, 3, 6, 6, dtype=torch.float64, generator=torch.Generator().manual_seed(1))


def double(values: list) -> Tensor:
    return torch.tensor(values, dtype=torch.float64)


def learner_of(rotation: Rotation) -> RotationLearner:
    return RotationLearner(rotation, torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=0.5), 0.1)


@pytest.mark.parametrize("case", CASES, ids=[case["id"] for case in CASES])
def test_gradients_are_those_of_the_authors(case):
    tasks, size = case["T"], case["d"]
    rotation = Rotation(tasks, [size], size).double()
    rotation.map0.copy_(double(case["rotations"]))
    learner = learner_of(rotation)
    rule = RotoGrad(tasks, case["burn_in"]) if case["variant"] == "RotoGrad" else Uniform(tasks)
    by_step = zip(*case["targets"], strict=True)
    for values, targets, expected in zip(case["features"], by_step, case["expected"], strict=True):
        z = nn.Parameter(double(values))  # [B, d]
        features = mtl.cut([z[..., None, None] * 1], tasks)
        turned = [maps[0][..., 0, 0] for maps in rotation(features)]
        errors = [t @ double(w).T - double(y) for t, w, y in zip(turned, case["heads"], targets, strict=True)]
        losses = [s * error.square().mean() for s, error in zip(case["loss_scale"], errors, strict=True)]
        heads = [nn.Parameter(torch.ones(()).double()) for _ in losses]
        accumulation = mtl.Accumulation(rule, scope="features", scale="native", heads="raw")
        accumulation.watcher = learner.observe
        learner.zero_grad()
        accumulation.add([loss * head for loss, head in zip(losses, heads, strict=True)], features)
        accumulation.finish()
        torch.testing.assert_close(z.grad, double(expected["feature_gradient"]), rtol=1e-10, atol=1e-13)
        (slopes,) = learner.slopes()
        torch.testing.assert_close(slopes, double(expected["rotation_gradients"]), rtol=1e-10, atol=1e-13)


def test_opposed_directions_turn_towards_each_other():
    rotation = Rotation(2, [2], 2).double()
    learner = learner_of(rotation)
    for _ in range(200):
        learner.zero_grad()
        gradients = [turn.mT @ g for turn, g in zip(rotation.map0, double([[1, 0], [0, 1]]), strict=True)]
        learner.observe([[g[None, :, None, None]] for g in gradients])  # constant behind the rotation
        learner.after_step()
    first, second = (turn.mT @ g for turn, g in zip(rotation.map0, double([[1, 0], [0, 1]]), strict=True))
    assert torch.dot(first, second) > 0.99
    torch.testing.assert_close(rotation.map0 @ rotation.map0.mT, torch.eye(2).double().repeat(2, 1, 1))
    assert torch.linalg.det(rotation.map0).tolist() == pytest.approx([1, 1])


@pytest.mark.parametrize(
    "gradients",
    [[[1, 2], [1, 2]], [[0, 0], [0, 0]], [[0, 0], [1, 2]], [[1, 2], [-1, -2]]],
    ids=["identical", "zero", "one zero", "cancelling"],
)
def test_nothing_turns_where_no_direction_is_better(gradients):
    rotation = Rotation(2, [2], 2).double()
    learner = learner_of(rotation)
    learner.observe([[double(g)[None, :, None, None]] for g in gradients])
    learner.after_step()
    torch.testing.assert_close(rotation.map0, torch.eye(2).double().repeat(2, 1, 1), rtol=0, atol=1e-12)


def test_only_the_first_channels_turn():
    rotation, maps = Rotation(2, [4], 2), torch.randn(1, 4, 2, 2)
    rotation.map0.copy_(torch.tensor([[0.0, -1.0], [1.0, 0.0]]))
    turned = rotation([[maps], [maps]])[1][0]
    assert torch.equal(turned, torch.stack([-maps[:, 1], maps[:, 0], maps[:, 2], maps[:, 3]], 1))
    assert rotation([[maps.bfloat16()], [maps.bfloat16()]])[0][0].dtype is torch.bfloat16


def train(parts: int, images: Tensor) -> list[Tensor]:
    """Rotations and encoder after three steps."""
    torch.manual_seed(0)
    encoder, heads = nn.Conv2d(3, 4, 3).double(), nn.ModuleList(nn.Conv2d(4, 1, 1) for _ in range(3)).double()
    rotation, rule = Rotation(3, [4], 3).double(), RotoGrad(3, 1)
    learner = learner_of(rotation)
    for batch in images:
        encoder.zero_grad()
        learner.zero_grad()
        accumulation = mtl.Accumulation(rule, parts, scope="features", heads="raw")
        accumulation.watcher = learner.observe
        for image in batch.chunk(parts):
            features = mtl.cut([encoder(image)], 3)
            turned = rotation(features)
            losses = [3.0**t * (head(turned[t][0]) - t).square().mean() for t, head in enumerate(heads)]
            accumulation.add(losses, features)
        accumulation.finish()
        learner.after_step()
        with torch.no_grad():
            encoder.weight -= 1e-2 * encoder.weight.grad
    return [rotation.map0, encoder.weight.detach()]


def half(rank: int) -> dict:
    return {parts: train(parts, IMAGES[:, rank::2]) for parts in (1, 2)}


def test_two_processes_and_parts_of_a_batch_equal_one_pass(two_processes):
    expected = train(1, IMAGES)
    assert (expected[0] - torch.eye(3)).abs().max() > 0.01
    for results in (train(2, IMAGES), *(one[parts] for one in two_processes(half) for parts in (1, 2))):
        for ours, theirs in zip(results, expected, strict=True):
            torch.testing.assert_close(ours, theirs, rtol=1e-8, atol=1e-11)


def test_heads_that_read_the_features_of_others_are_refused():
    encoder, head = nn.Conv2d(3, 4, 3), nn.Conv2d(4, 1, 1)
    features = mtl.cut([encoder(torch.ones(1, 3, 5, 5))], 2)
    common = head(features[0][0]) * head(features[1][0])
    with pytest.raises(ValueError, match="rotations need heads that do not read each other's features: use model="):
        learner_of(Rotation(2, [4], 4)).check([common.sum(), common.mean()], features)


def test_network_that_is_cut_behind_more_than_its_encoder_is_refused():
    with pytest.raises(ValueError, match="rotations need a network that is cut behind its encoder: use model=vanilla"):
        Rotation(2, [4], 4)([[torch.ones(1, 4, 2, 2)] * 3] * 2)


def trainer(folder: Path, *more: str) -> Trainer:
    folder.mkdir(exist_ok=True)
    words = ["dataset.height=16", "dataset.width=32", "weighter=rotograd", "subset=[depth,semseg]", *more]
    return build.build_trainer(build.compose([*tiny(folder, *words), f"data={folder.parent}/data"]), folder)


def test_stopped_run_ends_as_an_undisturbed_one_and_the_rotations_are_in_its_network(tmp_path):
    words = "recipe.precision=bfloat16", "recipe.evaluate=end", "recipe.micro_batches=2"
    last = assert_stopped_run_ends_as_an_undisturbed_one(lambda name: trainer(tmp_path / name, *words))
    assert not any(p is s for p in last.model.parameters() for s in last.model.rotation.turns)
    saved = load_checkpoint(tmp_path / "parts/best.pt")["model"]["rotation.map0"]
    assert torch.equal(saved, last.model.rotation.map0)
    assert (saved - torch.eye(saved.shape[-1])).abs().max() > 1e-5
