"""Properties that every architecture must satisfy."""

import math
from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor, nn

import mtl
from mtl import build
from mtl.models import MultiTaskModel, Outputs
from mtl.task import Task
from mtl.weighters import Weighter

NYUD = {"semseg": 40, "depth": 1, "normals": 3, "edge": 1}
PASCAL = {"semseg": 21, "human_parts": 7, "normals": 3, "saliency": 2, "edge": 1}

Make = Callable[[], MultiTaskModel]  # the same small network every time, in training mode


def records(channels: Mapping[str, int], bias: float = 0.0) -> list[Task]:
    return [Task(name, number, loss=None, metric=None, bias=bias) for name, number in channels.items()]


def published(model: str, channels: Mapping[str, int], *words: str) -> MultiTaskModel:
    """The network of the config files, for these tasks."""
    classes = f"dataset.num_classes.semseg={channels.get('semseg', 1)}"
    cfg = build.compose([f"model={model}", f"subset=[{','.join(channels)}]", classes, *words])
    tasks = build.build_tasks(cfg)
    assert {task.name: task.channels for task in tasks} == dict(channels)
    with torch.device("meta"):  # shapes without memory
        return build.build_model(cfg, tasks)


def size_of(module: nn.Module) -> int:
    """Number of parameters."""
    return sum(parameter.numel() for parameter in module.parameters())


def losses_of(outputs: Outputs) -> list[Tensor]:
    """One scalar per task, over all its predictions; scales differ by a factor of ten between tasks."""
    losses = []
    for task, name in enumerate(outputs.final):
        terms = [guess[name] for guess in (outputs.final, *outputs.auxiliary, outputs.coarse) if name in guess]
        losses.append(10.0**-task * sum((term - 1).square().mean() for term in terms))
    return losses


def engine_step(model: MultiTaskModel, image: Tensor, weighter: Weighter, **options) -> mtl.Gradients:
    """A backward pass as in the trainer."""
    model.zero_grad()
    features = mtl.cut(model.encode(image), len(model.task_names))
    losses = losses_of(model.decode(features, tuple(image.shape[-2:])))
    shared = model.shared_parameters()
    return mtl.backward(losses, features, weighter, last_layer=model.last_layer, shared=shared, **options)


def assert_engine_equals_written_out(
    make: Make, image: Tensor, weighter: Weighter, scope: str, idle: str = " "
) -> None:
    """Every gradient is that of (w * losses).sum().backward(), and every parameter has one; buffers are bit-equal.

    Parameters with `idle` in their name have a gradient of 0.
    """
    engine, plain = make().double(), make().double()
    result = engine_step(engine, image.double(), weighter, scope=scope)
    assert (result.weights > 0).all()
    losses = torch.stack(losses_of(plain(image.double())))
    (result.weights * losses).sum().backward()
    largest = max(parameter.grad.abs().max() for parameter in plain.parameters()).item()
    for (name, ours), theirs in zip(engine.named_parameters(), plain.parameters(), strict=True):
        assert ours.grad is not None, name
        assert ours.grad.any() != (idle in name), name
        torch.testing.assert_close(
            ours.grad, theirs.grad, rtol=1e-9, atol=1e-13 * largest, msg=lambda m, n=name: f"{n}: {m}"
        )
    for ours, theirs in zip(engine.buffers(), plain.buffers(), strict=True):
        assert torch.equal(ours, theirs)


def assert_gramian_is_that_of_separate_passes(make: Make, image: Tensor, weighter: Weighter) -> None:
    """At the shared parameters and the last layer, the engine's Gramian is that of T backward passes of the whole."""
    model, image = make().double(), image.double()
    shared = model.shared_parameters()
    losses = losses_of(model(image))
    for scope, where in (("shared", shared), ("last_layer", [model.last_layer])):
        parts = [torch.autograd.grad(loss, where, retain_graph=True, materialize_grads=True) for loss in losses]
        rows = torch.stack([torch.cat([part.flatten() for part in task]) for task in parts])  # [T, P]
        expected = rows @ rows.T
        assert (expected.diagonal() > 0).all()
        found = engine_step(make().double(), image, weighter, statistics=scope).gramian
        torch.testing.assert_close(found, expected, rtol=1e-9, atol=1e-14 * expected.max().item())


def assert_parameters_are_listed_once(model: MultiTaskModel) -> None:
    """Shared, joint and task parameters cover the network, none twice."""
    parts = [model.shared_parameters(), model.joint_parameters(), *map(model.task_parameters, model.task_names)]
    listed = [id(parameter) for part in parts for parameter in part]
    assert sorted(listed) == sorted(id(parameter) for parameter in model.parameters())


def reached_by(model: MultiTaskModel, image: Tensor) -> dict[str, set[str]]:
    """Names of the tasks whose loss reaches a parameter, by the parameter's name."""
    parameters = dict(model.named_parameters())
    reached = {name: set() for name in parameters}
    for task, loss in zip(model.task_names, losses_of(model(image)), strict=True):
        gradients = torch.autograd.grad(loss, list(parameters.values()), retain_graph=True, allow_unused=True)
        for name, gradient in zip(parameters, gradients, strict=True):
            if gradient is not None:
                reached[name].add(task)
    return reached


def assert_ownership(model: MultiTaskModel, image: Tensor, foreign: Sequence[str] = ()) -> None:
    """All tasks reach shared and joint parameters; only a task itself reaches its own, except in foreign modules."""
    reached, everyone = reached_by(model, image), set(model.task_names)
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    for parameter in [*model.shared_parameters(), *model.joint_parameters()]:
        assert reached[names[id(parameter)]] == everyone
    for task in everyone:
        for parameter in model.task_parameters(task):
            name = names[id(parameter)]
            assert task in reached[name]
            assert reached[name] == {task} or any(part in name for part in foreign), name


def assert_regions(model: MultiTaskModel, image: Tensor) -> None:
    """Every region to compile is called, none inside another, and behind the cut each computes for one task at a time.

    The last layer is in the last region of the encoder.
    """
    regions, called = model.regions(), []
    for region in regions:
        region.register_forward_hook(lambda module, *_: called.append(module))
    model(image)
    assert len(set(called)) == len(regions) > len(model.task_names)
    assert not any(region in other.modules() for region in regions for other in regions if other is not region)
    parts = [model.shared_parameters(), *map(model.task_parameters, model.task_names)]
    owners = [set(map(id, part)) for part in parts]
    for region in regions:
        own = set(map(id, region.parameters()))
        assert sum(not own.isdisjoint(owner) for owner in owners) == 1
        assert any(own <= owner for owner in owners)
    encoder = model.backbone.regions()
    assert [any(p is model.last_layer for p in region.parameters()) for region in encoder] == [
        region is encoder[-1] for region in encoder
    ]


def assert_a_step_lowers_the_loss(model: MultiTaskModel, image: Tensor, weighter: Weighter, scope: str) -> None:
    """A few steps of Adam with the weighter bring every task's loss down."""
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    results = []
    for _ in range(4):
        results.append(engine_step(model, image, weighter, scope=scope))
        optimizer.step()
        weighter.after_step()
    assert (results[-1].losses < results[0].losses).all()


def assert_predictions(model: MultiTaskModel, channels: Mapping[str, int], size: tuple[int, int]) -> None:
    """One image in evaluation: every task is predicted at the image's size, finite, final and auxiliary."""
    with torch.no_grad():
        outputs = model.eval()(torch.randn(1, 3, *size))
    for predictions in (outputs.final, *outputs.auxiliary):
        assert list(predictions) == list(channels)
        for name, prediction in predictions.items():
            assert prediction.shape == (1, channels[name], *size)
            assert math.isfinite(prediction.abs().sum())


def assert_half_precision_works(model: MultiTaskModel, image: Tensor, weighter: Weighter) -> None:
    """Under bfloat16 autocast the losses are near those in float32, and all gradients finite and in float32."""
    model.eval()  # one set of statistics for both
    expected = engine_step(model, image, weighter, scope="features")
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = engine_step(model, image, weighter, scope="features")
    torch.testing.assert_close(found.losses, expected.losses, rtol=0.05, atol=0)
    for name, parameter in model.named_parameters():
        assert parameter.grad.dtype == torch.float32, name
        assert torch.isfinite(parameter.grad).all(), name
