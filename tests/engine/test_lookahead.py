"""Look ahead: trial steps against recorded ones, by hand, and in whole runs."""

from collections.abc import Sequence
from itertools import product
from pathlib import Path

import pytest
import torch
from sequences import double, golden_sequences
from stopped import assert_stopped_run_ends_as_an_undisturbed_one
from test_sharpness import IMAGES, Small
from tiny import tiny
from torch import Tensor, nn

import mtl
from mtl import build
from mtl.engine.batch_gradients import BatchGradients
from mtl.engine.lookahead import Lookahead, LookaheadGradients
from mtl.engine.objective import Objective
from mtl.engine.progress import Progress
from mtl.engine.trainer import Trainer
from mtl.run.checkpoint import load_checkpoint
from mtl.weighters import AutoLambda


class Loader(list):
    """Batches, as a loader of one epoch after another."""

    @property
    def sampler(self):
        return self

    def set_position(self, epoch: int, batch: int) -> None:
        self.start = batch

    def __iter__(self):
        return iter(self[self.start :])


class Quadratic(Objective):
    """l_t = (theta - a_t) A_t (theta - a_t) / 2; a batch is A [T, P, P] and a [T, P]."""

    def __init__(self, theta: list[float]) -> None:
        self.model, self.watch, self.shares, self.dtype = nn.Module(), None, None, None
        self.distillation = None
        self.model.theta, self.model.device = nn.Parameter(double(theta)), torch.device("cpu")
        self.model.last_layer, self.model.shared_parameters = None, list
        self.seen: list[Tensor] = []

    def __call__(self, labels):
        self.seen.append(self.model.theta.detach().clone())
        tasks = len(labels["a"])
        features = mtl.cut(self.model.theta.view_as(self.model.theta), tasks)
        away = [features[t] - labels["a"][t] for t in range(tasks)]
        losses = [0.5 * d @ labels["A"][t] @ d for t, d in enumerate(away)]
        return losses, features, torch.ones(tasks, dtype=torch.bool)


def gradients(objective: Objective, rule, optimizer, primary: Sequence[float], batches: Sequence, **settings):
    progress = Progress(weights=torch.zeros(len(primary)).double())
    plain = BatchGradients(objective, rule, "exact", settings)
    return LookaheadGradients(plain, optimizer, Lookahead(Loader(batches), primary), progress)


def watched(rule: AutoLambda) -> list[Tensor]:
    """What the rule will learn from, step by step."""
    slopes, learn = [], rule.learn
    rule.learn = lambda found: (slopes.append(found), learn(found))
    return slopes


def batch(tasks: list[dict]) -> dict[str, Tensor]:
    return {key: torch.stack([double(task[key]) for task in tasks]) for key in ("A", "a")}


@pytest.mark.parametrize(("file", "case"), golden_sequences("auto_lambda"))
def test_steps_are_those_of_the_authors(file, case):
    objective, rule = Quadratic(case["theta"]), AutoLambda(case["T"], case["init"], case["meta_lr"])
    options = {key: case[key] for key in ("lr", "momentum", "weight_decay")}
    optimizer = torch.optim.SGD(objective.model.parameters(), **options)
    primary = [float(task in case["primary"]) for task in range(case["T"])]
    ours = gradients(objective, rule, optimizer, primary, [batch(tasks) for tasks in case["val"]])
    slopes = watched(rule)
    for tasks, expected in zip(case["train"], case["expected"], strict=True):
        optimizer.zero_grad()
        objective.seen.clear()
        found = ours([batch(tasks)])
        optimizer.step()
        ours.progress.step += 1
        _, virtual, *around, last = objective.seen
        close = {"rtol": 1e-9, "atol": 1e-12}
        torch.testing.assert_close(virtual, double(expected["virtual"]), **close)
        torch.testing.assert_close(slopes[-1], double(expected["meta_gradient"]), **close)
        torch.testing.assert_close(slopes[-1], double(expected["exact_meta_gradient"]), **close)
        torch.testing.assert_close(found.weights, double(expected["lambda_after"]), **close)
        torch.testing.assert_close(objective.model.theta.data, double(expected["theta_after"]), **close)
        assert (around[0] - around[1]).norm() == pytest.approx(0.02)
        assert torch.equal(last, objective.seen[0])


@pytest.mark.parametrize(
    ("theta", "primary", "expected"),
    [(1.0, [1, 0], [-0.1, 0.1]), (3.0, [1, 1], [-1.176, -0.392]), (3.0, [2, 2], [-2.352, -0.784])],
)
def test_slopes_by_hand(theta, primary, expected):
    objective, rule = Quadratic([theta]), AutoLambda(2, 0.1, 1e-4)
    one = {"A": torch.ones(2, 1, 1).double(), "a": double([[0.0], [2.0]])}
    slopes = watched(rule)
    gradients(objective, rule, torch.optim.SGD(objective.model.parameters(), lr=0.1), primary, [one])([one])
    assert slopes[0].tolist() == pytest.approx(expected)
    assert rule.task_weights.tolist() == pytest.approx([0.1 - 1e-4 * (1 if slope > 0 else -1) for slope in expected])


def test_nothing_is_learned_where_held_out_gradients_cancel():
    objective, rule = Quadratic([1.0]), AutoLambda(2, 0.1, 1e-4)
    one = {"A": torch.ones(2, 1, 1).double(), "a": double([[0.0], [2.0]])}
    gradients(objective, rule, torch.optim.SGD(objective.model.parameters(), lr=0.1), [1, 1], [one])([one])
    assert rule.task_weights.tolist() == [0.1, 0.1]
    assert not rule.steps.any()
    assert objective.model.theta.item() == 1


def test_learning_rate_of_each_group_counts_in_the_slopes():
    found = []
    for rate in (0.1, 0.2):
        objective, rule = Pictures(), AutoLambda(3, 0.1, 1e-4)
        objective.dtype = None
        groups = [
            {"params": objective.model.encoder.parameters(), "lr": rate},
            {"params": objective.model.heads[0].parameters()},
        ]
        slopes = watched(rule)
        gradients(objective, rule, torch.optim.SGD(groups, lr=1e-9), [1, 1, 1], [{"image": IMAGES[1]}])(
            [{"image": IMAGES[0]}]
        )
        found.append(slopes[0])
    assert found[1] / found[0] == pytest.approx(2, rel=0.2)


class Pictures(Small):
    """`Small` on batches with a key, as a loader gives them."""

    def __call__(self, labels):
        return super().__call__(labels["image"])


def learned(parts: int, image: Tensor, held_out: Tensor) -> list[Tensor]:
    """Slopes of two steps, and the weights of the network after them."""
    objective, rule = Pictures(), AutoLambda(3, 0.1, 0.05)
    objective.dtype = None
    optimizer = torch.optim.SGD(objective.model.parameters(), lr=0.05, momentum=0.9)
    ours = gradients(objective, rule, optimizer, [1.0, 0.5, 0.0], [{"image": held_out}, {"image": -held_out}])
    slopes = watched(rule)
    for _ in range(2):
        optimizer.zero_grad()
        ours([{"image": part} for part in image.chunk(parts)])
        optimizer.step()
        ours.progress.step += 1
    return [*slopes, *(p.detach() for p in objective.model.parameters())]


def half(rank: int) -> dict:
    return {parts: learned(parts, IMAGES[0, rank::2], IMAGES[1, rank::2]) for parts in (1, 2)}


def test_two_processes_and_parts_of_a_batch_equal_one_pass(two_processes):
    found, expected = two_processes(half), learned(1, IMAGES[0], IMAGES[1])
    for results in (learned(2, IMAGES[0], IMAGES[1]), *(found[rank][parts] for rank, parts in product((0, 1), (1, 2)))):
        for ours, theirs in zip(results, expected, strict=True):
            torch.testing.assert_close(ours, theirs, rtol=1e-7, atol=1e-12)


def test_step_with_dropout_equals_the_one_written_out():
    objective, rule, rate, primary = Pictures(0.5), AutoLambda(3, 0.1, 0.05), 0.05, [1.0, 0.5, 0.0]
    objective.dtype = None
    parameters = list(objective.model.parameters())
    images, held_out = ({"image": image} for image in IMAGES[:2])
    slopes = watched(rule)
    torch.manual_seed(3)
    gradients(objective, rule, torch.optim.SGD(parameters, lr=rate), primary, [held_out])([images])
    drawn = torch.rand(1)

    def slope(batch: dict, factors: Sequence[float]) -> list[Tensor]:
        torch.manual_seed(3)
        maps = nn.functional.dropout(objective.model.encoder(batch["image"]), 0.5)
        total = sum(f * loss for f, loss in zip(factors, objective.losses([maps] * 3), strict=True))
        return torch.autograd.grad(total, parameters, materialize_grads=True)

    own = [slope(images, [float(s == t) for s in range(3)]) for t in range(3)]
    assert torch.equal(torch.rand(1), drawn)  # the extra passes take no numbers from the run
    for parameter, *found in zip(parameters, *own, strict=True):
        parameter.data -= rate * 0.1 * sum(found)
    ahead = slope(held_out, primary)
    expected = [-rate * sum((g * v).sum().item() for g, v in zip(mine, ahead, strict=True)) for mine in own]
    assert slopes[0].tolist() == pytest.approx(expected, rel=1e-3)


def trainer(folder: Path, *more: str) -> Trainer:
    folder.mkdir(exist_ok=True)
    words = ["dataset.height=16", "dataset.width=32", "weighter=auto_lambda", "backbone.head.dropout=0.5", *more]
    return build.build_trainer(build.compose([*tiny(folder, *words), f"data={folder.parent}/data"]), folder)


def weights_of(folder: Path) -> dict[str, Tensor]:
    return load_checkpoint(folder / "last.pt")["model"]


def test_run_without_learning_is_that_of_fixed_weights_bit_for_bit(tmp_path):
    trainer(tmp_path / "auto", "weighter.method.lr=1e-30").fit()
    fixed = ["weighter=grid_search", "dataset.grid_weights={semseg: 0.1, depth: 0.1, normals: 0.1, edge: 0.1}"]
    trainer(tmp_path / "fixed", *fixed).fit()
    ours, theirs = weights_of(tmp_path / "auto"), weights_of(tmp_path / "fixed")
    assert all(torch.equal(ours[key], value) for key, value in theirs.items())


@pytest.mark.parametrize("words", [["recipe.precision=bfloat16"], ["weighter.lookahead.held_out=0.5"]])
def test_stopped_run_ends_as_an_undisturbed_one(tmp_path, words):
    words = [*words, "recipe.evaluate=end", "recipe.steps=3", "recipe.micro_batches=2"]
    words += ["weighter.method.lr=0.01", "subset=[depth,semseg]"]
    assert_stopped_run_ends_as_an_undisturbed_one(lambda name: trainer(tmp_path / name, *words))


def test_losses_of_the_difference_are_in_full_precision(tmp_path):
    found = {}
    for precision in ("float32", "bfloat16"):
        run = trainer(tmp_path / precision, "recipe.steps=1", f"recipe.precision={precision}", "subset=[depth,semseg]")
        slopes = watched(run.weighter)
        run.fit()
        found[precision] = slopes[0]
    torch.testing.assert_close(found["bfloat16"], found["float32"], rtol=0.2, atol=1e-3)


def seen(loader) -> list[str]:
    return [about["id"] for one in loader for about in one["meta"]]


def test_held_out_images_are_not_trained_on_and_the_same_for_each_seed(tmp_path):
    words = ["weighter.lookahead.held_out=0.5", "recipe.batch_size=2"]
    runs = [trainer(tmp_path / str(seed), *words, f"seed={seed}") for seed in (0, 1)]
    held_out = [{*seen(run.backward.loader)} for run in runs]
    assert held_out[0] == held_out[1]
    assert len(held_out[0]) == 4
    assert held_out[0].isdisjoint(seen(runs[0].loader))
    assert runs[0].loader.dataset.dataset.about()["of"] == 8


def test_without_a_share_all_images_are_held_out_in_another_order(tmp_path):
    run = trainer(tmp_path / "run", "recipe.batch_size=2")
    held_out, trained = seen(run.backward.loader), seen(run.loader)
    assert held_out != trained
    assert {*held_out} == {*trained}


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["subset=depth"], "weighter=auto_lambda needs two or more tasks: with one its weight is the learning rate"),
        (["sharpness=per_task"], "weighter=auto_lambda does not work with teachers, rotations or sharpness"),
        (["weighter.lookahead.primary=0"], r"weighter\.lookahead\.primary is 0 for every task"),
        (
            ["weighter.lookahead.primary={depht: 1}"],
            r"primary has depht: use semseg, .*; did you mean depth",
        ),
        (["weighter.lookahead.primary={depth: 1}"], r"weighter\.lookahead\.primary has no number for semseg"),
        (
            ["weighter.lookahead.held_out=0.2"],
            "held_out=0.2 holds out 2 of 8 training images, too few for a batch of 4",
        ),
        (["weighter.lookahead.held_out=0.6"], "4"),
        (["~weighter.lookahead"], r"weighter=auto_lambda needs weighter\.lookahead"),
        (["weighter=uniform", "+weighter.lookahead={held_out: 0}"], r"weighter=uniform does not have weighter\.lookah"),
    ],
)
def test_what_a_look_ahead_cannot_do_is_refused(tmp_path, words, line):
    with pytest.raises(ValueError, match=line):
        trainer(tmp_path / "run", *words)
