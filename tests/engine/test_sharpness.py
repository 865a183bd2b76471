"""Flat minima: offsets and updates against recorded ones, by hand, and written out with autograd."""

import json
from copy import deepcopy
from itertools import product
from pathlib import Path

import pytest
import torch
from stopped import assert_stopped_run_ends_as_an_undisturbed_one
from tiny import tiny
from torch import Tensor, nn

import mtl
from mtl import build
from mtl.engine.moved import moved
from mtl.engine.objective import Objective
from mtl.engine.sharpness import SharpGradients, Sharpness, perturbation
from mtl.engine.summed import SummedGradients
from mtl.engine.task_gradients import TaskGradients
from mtl.engine.trainer import Trainer
from mtl.layers import output_layer
from mtl.weighters import DWA, IMTLG, CAGrad, FairGrad, Fixed, GradDrop, PCGrad, Uniform, Weighter

FOLDER = Path(__file__).parents[1] / "golden/weighters"
BASES = {"cagrad": lambda t: CAGrad(t, 0.4, 1), "imtl_g": IMTLG}
BASES |= {"pcgrad": lambda t: PCGrad(t, "sum"), "uniform": Uniform}
PLAIN, ADAPTIVE = Sharpness(0.05, False, "per_task"), Sharpness(0.5, True, "per_task")
IMAGES = torch.randn(3, 8, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(1))


def cases(name: str) -> list:
    return [pytest.param(case, id=case["id"]) for case in json.loads((FOLDER / f"{name}.json").read_text())["cases"]]


def double(values: list) -> Tensor:
    return torch.tensor(values, dtype=torch.float64)


class Network(nn.Module):
    """T = 3 heads of a shared layer, on vectors."""

    device = torch.device("cpu")

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.encoder = nn.Sequential(nn.Linear(5, 4), nn.Tanh(), nn.Linear(4, 4)).double()
        self.heads = nn.ModuleList(nn.Linear(4, 1) for _ in range(3)).double()

    @property
    def last_layer(self) -> Tensor:
        return self.encoder[2].weight

    def shared_parameters(self) -> list[Tensor]:
        return list(self.encoder.parameters())


class Small(Objective):
    """The network with dropout; `labels` is a batch [B, 5]."""

    def __init__(self, dropout: float = 0.0) -> None:
        self.model, self.watch, self.shares, self.distillation = Network(), None, None, None
        self.dropout = dropout
        self.seen: list[Tensor] = []

    def losses(self, maps: list[Tensor]) -> list[Tensor]:
        return [3.0**t * (head(maps[t]) - t).square().mean() for t, head in enumerate(self.model.heads)]

    def __call__(self, labels):
        maps = nn.functional.dropout(self.model.encoder(labels), self.dropout)
        self.seen.append(self.model.encoder[0].weight.detach().clone())
        features = mtl.cut(maps, 3)
        return self.losses(features), features, torch.ones(3, dtype=torch.bool)


def step(objective: Small, rule: Weighter, sharpness: Sharpness, parts: list[Tensor], **applied) -> mtl.Gradients:
    for parameter in objective.model.parameters():
        parameter.grad = None
    return SharpGradients(objective, rule, sharpness, applied)(parts)


def grads(objective: Small) -> list[Tensor]:
    return [parameter.grad.clone() for parameter in objective.model.parameters()]


def written_out(objective: Small, rule: Weighter, sharpness: Sharpness, batch: Tensor, scale: int) -> list[Tensor]:
    """The update by autograd alone, one task after another."""
    shared = objective.model.shared_parameters()

    def gradient(task: int, network: Small) -> tuple[Tensor, list[Tensor]]:
        own, common = list(network.model.heads[task].parameters()), list(network.model.encoder.parameters())
        loss = network.losses([network.model.encoder(batch)] * 3)[task]
        found = torch.autograd.grad(loss, [*common, *own])
        return torch.cat([g.flatten() for g in found[: len(common)]]), list(found[len(common) :])

    def shifted(parameters: list[Tensor], slopes: list[Tensor]) -> None:
        a = [p.square() if sharpness.adaptive else torch.ones_like(p) for p in parameters]
        b = [p.abs() if sharpness.adaptive else torch.ones_like(p) for p in parameters]
        length = sum((x * g).square().sum() for x, g in zip(b, slopes, strict=True)).sqrt()
        for p, x, g in zip(parameters, a, slopes, strict=True):
            p.data += sharpness.rho * x * g / length

    rows, moved_rows, own = [], [], []
    for task in range(3):
        row, head = gradient(task, objective)
        there = Small()
        there.model.load_state_dict(objective.model.state_dict())
        sizes = [p.numel() for p in shared]
        parts = [g.view_as(p) for g, p in zip(row.split(sizes), shared, strict=True)]
        shifted(list(there.model.encoder.parameters()), parts)
        shifted(list(there.model.heads[task].parameters()), head)
        moved_row, moved_head = gradient(task, there)
        rows.append(row)
        moved_rows.append(moved_row)
        own.append(moved_head)
    rows, moved_rows = torch.stack(rows), torch.stack(moved_rows)
    update = 0
    for matrix in (rows, moved_rows - rows):
        found = rule(torch.ones(3).double(), matrix @ matrix.T)
        weights = found.weights if found.shared_weights is None else found.shared_weights
        update = update + scale * weights @ matrix
    parts = [g.view_as(p) for g, p in zip(update.split([p.numel() for p in shared]), shared, strict=True)]
    return [*parts, *(gradient for head in own for gradient in head)]


@pytest.mark.parametrize("case", cases("sam_perturbation__FS-MTL"))
def test_offsets_are_those_of_the_authors(case):
    pairs = [(double(t), double(g)) for t, g in zip(case["theta"], case["gradient"], strict=True)]
    for key, expected in case["expected"].items():
        adaptive, rho = (word.split("-")[1] for word in key.split("_"))
        found = perturbation(pairs, Sharpness(float(rho), adaptive == "True", "per_task"))
        for (_, offset), theirs in zip(found, expected, strict=True):
            torch.testing.assert_close(offset, double(theirs), rtol=1e-11, atol=1e-13)


@pytest.mark.parametrize(
    ("adaptive", "rho", "expected"), [(False, 0.05, [0.03, 0.04]), (True, 0.5, [0.83205, 0.27735])]
)
def test_offsets_by_hand(adaptive, rho, expected):
    ((_, offset),) = perturbation([(double([2.0, -1.0]), double([3.0, 4.0]))], Sharpness(rho, adaptive, "per_task"))
    assert offset.tolist() == pytest.approx(expected, abs=1e-5)


def test_constant_that_an_output_starts_from_is_not_part_of_its_weights():
    layer = output_layer(2, 1, bias=2.6)
    slopes = torch.randn_like(layer.weight), torch.ones(1)
    (_, weight), (_, bias) = perturbation([*zip(layer.parameters(), slopes, strict=True)], ADAPTIVE)
    ((_, alone),) = perturbation([(layer.weight, slopes[0])], ADAPTIVE)
    assert torch.equal(weight, alone)
    assert bias.item() == 0
    nn.init.constant_(layer.bias, 2.7)  # learned since
    assert perturbation([(layer.bias, slopes[1])], ADAPTIVE)[0][1].item() == pytest.approx(0.5 * 0.1, rel=1e-4)


def test_offset_of_a_zero_gradient_is_zero():
    ((_, offset),) = perturbation([(torch.ones(2), torch.zeros(2))], PLAIN)
    assert offset.tolist() == [0, 0]


def combined(rule: Weighter, rows: Tensor, there: Tensor, scale: str = "native") -> Tensor:
    """The update of the shared parameters from given task gradients [T, P]."""
    theta = nn.Parameter(torch.zeros(rows.shape[1]).double())
    common = SummedGradients.__new__(SummedGradients)
    common.maps, common.encoder, common.refinements, common._features = [], [theta], [], None
    common._sum, common._rows, common.last_layer, common.aside = rows.clone(), {}, theta, ()
    full = torch.ones(len(rows), dtype=torch.bool)
    here = TaskGradients(torch.ones(len(rows)).double(), full, full, [[] for _ in rows], [], common)
    SharpGradients(Small(), rule, PLAIN, {"scale": scale})._update(here, there - rows, [[] for _ in rows], None, None)
    return theta.grad


@pytest.mark.parametrize("case", cases("flat_minima__FS-MTL__c-0.4"))
def test_update_is_that_of_the_authors(case):
    for name, expected in case["expected"].items():
        found = combined(BASES[name](case["T"]), double(case["J"]), double(case["J_perturbed"]))
        tolerance = 1e-3 if name == "cagrad" else 1e-10
        assert (found - double(expected["grad"])).norm() <= tolerance * found.norm()


def test_update_by_hand():
    found = combined(PCGrad(2, "sum"), double([[1, 0], [-1, 1]]), double([[1, 0.5], [-1, 2]]))
    assert found.tolist() == pytest.approx([0.5, 3])


@pytest.mark.parametrize("sharpness", [PLAIN, ADAPTIVE], ids=["plain", "adaptive"])
@pytest.mark.parametrize("name", ["cagrad", "imtl_g", "uniform"])
def test_step_equals_the_one_written_out(name, sharpness):
    objective = Small()
    rule = Uniform(3) if name == "uniform" else BASES[name](3)
    before = deepcopy(objective.model.state_dict())
    result = step(objective, rule, sharpness, [IMAGES[0]], heads="raw")
    after = objective.model.state_dict()
    assert all(torch.equal(after[key], value) for key, value in before.items())
    assert result.active.all()
    expected = written_out(objective, rule, sharpness, IMAGES[0], 1 if name == "uniform" else 3)
    for ours, theirs in zip(grads(objective), expected, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-8, atol=1e-11)


def test_shared_offset_with_constant_weights_is_plain_sam():
    objective, rule = Small(), Fixed(3, [1.0, 2.0, 3.0])
    result = step(objective, rule, Sharpness(0.1, False, "shared"), [IMAGES[0]])
    assert result.weights.tolist() == [1, 2, 3]
    assert len(objective.seen) == 2
    plain, groups = Small(), ("encoder", "heads")
    mtl.backward(*plain(IMAGES[0])[:2], Uniform(3))
    for group in groups:
        parameters = list(getattr(plain.model, group).parameters())
        length = sum(p.grad.square().sum() for p in parameters).sqrt()
        for p in parameters:
            p.data += 0.1 * p.grad / length
            p.grad = None
    mtl.backward(*plain(IMAGES[0])[:2], rule)
    for ours, theirs in zip(grads(objective), grads(plain), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("mode", ["per_task", "shared"])
def test_passes_over_a_batch_draw_the_same_dropout(mode):
    objective = Small(dropout=0.5)
    torch.manual_seed(3)
    step(objective, Uniform(3), Sharpness(1e-9, False, mode), [IMAGES[0]])
    drawn, found = torch.rand(1), grads(objective)
    torch.manual_seed(3)
    for parameter in objective.model.parameters():
        parameter.grad = None
    mtl.backward(*objective(IMAGES[0])[:2], Uniform(3))
    assert torch.equal(torch.rand(1), drawn)  # the extra passes take no numbers from the run
    for ours, plain in zip(found, grads(objective), strict=True):
        torch.testing.assert_close(ours, plain, rtol=1e-5, atol=1e-8)


MODES = [(mode, parts, name) for mode, parts, name in product(("per_task", "shared"), (1, 2), ("cagrad", "graddrop"))]


def both(mode: str, parts: int, name: str, batch: Tensor) -> list[Tensor]:
    objective, rule = Small(), CAGrad(3, 0.4, 1) if name == "cagrad" else GradDrop(3, 0.0)
    result = step(objective, rule, Sharpness(0.3, True, mode), list(batch.chunk(parts)))
    return [result.weights, *grads(objective)]


def half(rank: int) -> dict:
    return {key: both(*key, IMAGES[0, rank::2]) for key in MODES}


def test_two_processes_and_parts_of_a_batch_equal_one_pass(two_processes):
    found = two_processes(half)
    for mode, parts, name in MODES:
        expected = both(mode, 1, name, IMAGES[0])
        for results in (both(mode, 2, name, IMAGES[0]), *(one[mode, parts, name] for one in found)):
            for ours, theirs in zip(results, expected, strict=True):
                torch.testing.assert_close(ours, theirs, rtol=1e-9, atol=1e-13)


def test_task_whose_loss_is_not_finite_moves_nothing():
    objective = Small()
    objective.model.heads[1].weight.data.fill_(torch.nan)
    result = step(objective, CAGrad(3, 0.4, 1), PLAIN, [IMAGES[0]])
    assert result.broken.tolist() == [False, True, False]
    assert all(p.grad.isfinite().all() for p in objective.model.encoder.parameters())


def test_weights_are_restored_after_an_error():
    weight = nn.Parameter(torch.tensor([0.1]))
    with pytest.raises(RuntimeError), moved([(weight, torch.tensor([1e8])), (weight, torch.tensor([1.0]))]):
        raise RuntimeError
    assert torch.equal(weight, torch.tensor([0.1]))


@pytest.mark.parametrize("rule", [FairGrad(3, 2.0), DWA(3, 2.0)], ids=["fairgrad", "dwa"])
def test_method_with_a_state_is_refused_by_name(rule):
    with pytest.raises(ValueError, match=f"{type(rule).__name__} keeps a state or weighs losses: use a method"):
        SharpGradients(Small(), rule, PLAIN, {})


def trainer(folder: Path, *more: str) -> Trainer:
    folder.mkdir(exist_ok=True)
    words = ["dataset.height=16", "dataset.width=32", "weighter=cagrad", "sharpness=per_task", *more]
    return build.build_trainer(build.compose([*tiny(folder, *words), f"data={folder.parent}/data"]), folder)


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["weighter=avgnorm", "weighter.scope=features"], "use AvgNorm at scope shared"),
        (["recipe.micro_batches=2", "recipe.accumulation=first"], r"recipe\.accumulation=first does not work with"),
        (["weighter=url"], "sharpness does not work with teachers or rotations"),
    ],
)
def test_what_sharpness_does_not_work_with_is_refused(tmp_path, words, line):
    with pytest.raises(ValueError, match=line):
        trainer(tmp_path / "run", *words)


def test_stopped_run_ends_as_an_undisturbed_one(tmp_path):
    words = "recipe.precision=bfloat16", "recipe.evaluate=end", "backbone.head.dropout=0.5", "subset=[depth,semseg]"
    assert_stopped_run_ends_as_an_undisturbed_one(lambda name: trainer(tmp_path / name, *words))
