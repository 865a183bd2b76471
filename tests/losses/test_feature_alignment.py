import copy
import json
import math
from io import BytesIO
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from golden_rule import FOLDER, GRADIENT, OUTPUT, assert_near, at, signed
from networks import Network, network
from torch import Tensor

import mtl
from mtl.losses import FeatureAlignment
from mtl.losses.feature_alignment import distance
from mtl.weighters import Uniform

GOLDEN = json.loads(
    (Path(__file__).parent.parent / "golden/weighters/url_feature_loss__formula__eps-1e-12.json").read_text()
)["cases"]
REFERENCE = json.loads((FOLDER / "url_distance.json").read_text())["cases"]
TRAINING = {"steps": 10, "lr": 1e-2, "weight_decay": 5e-4}


class Given:
    """Teachers with given maps."""

    def __init__(self, maps: list[list[Tensor]]) -> None:
        self.maps = maps
        self.channels = [m.shape[1] for m in maps[0]]

    def features(self, image: Tensor) -> list[list[Tensor]]:
        return self.maps


def maps(*shapes: tuple[int, int, int, int], seed: int = 0) -> list[Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return [torch.randn(shape, generator=generator, dtype=torch.float64) for shape in shapes]


def alignment(student: list[Tensor], teachers: list[list[Tensor]], **options) -> FeatureAlignment:
    torch.manual_seed(0)
    options = {"weights": [1] * len(teachers)} | TRAINING | options
    channels = [m.shape[1] for m in student]
    return FeatureAlignment(channels=channels, teachers=Given(teachers), **options).double()


def test_distance_by_hand():
    student = torch.tensor([[3.0, -5.0], [4.0, 0.0]]).reshape(1, 2, 1, 2)  # two pixels: (3, 4) and (-5, 0)
    teacher = torch.tensor([[2.0, 0.1], [0.0, 0.0]]).reshape(1, 2, 1, 2)  # (2, 0) and (0.1, 0)
    # (0.6 - 1)^2 + 0.8^2 = 0.8 and (-1 - 1)^2 = 4
    assert distance(student, teacher).item() == pytest.approx((0.8 + 4) / 2)


@pytest.mark.parametrize("case", GOLDEN, ids=lambda c: c["id"])
def test_golden(case):
    student, teacher = (torch.tensor(case[key], dtype=torch.float64) for key in ("student_adapted", "teacher"))
    assert distance(student, teacher).item() == pytest.approx(case["expected"]["loss"], rel=1e-12)


@pytest.mark.parametrize("case", REFERENCE, ids=lambda c: c["id"])
def test_distance_and_gradient_of_the_reference(case):
    student, teacher = (
        signed(f"{who}:{case['id']}", (2, case["channels"], *case[who])) for who in ("student", "teacher")
    )
    found = distance(student.requires_grad_(), teacher)
    assert_near(found.item(), case["distance"], OUTPUT, case["distance"], "distance")
    (gradient,) = torch.autograd.grad(found, student)
    norm = case["gradient_norm"]
    assert_near(gradient.norm().item(), norm, GRADIENT, norm, "norm of the gradient")
    assert_near(at(f"at:url:{case['id']}", gradient, 24), case["gradient_values"], GRADIENT, norm, "gradient")


def test_only_directions_count():
    (student,) = maps((2, 5, 3, 4))
    scale = 10.0 ** torch.randint(-6, 6, (2, 1, 3, 4)).double()
    assert distance(student, scale * student) == pytest.approx(0, abs=1e-14)
    assert distance(student, -scale * student) == pytest.approx(4)


def test_smaller_map_is_resized_before_it_is_normalised():
    student, teacher = maps((1, 3, 2, 2), (1, 3, 4, 6))
    larger = F.interpolate(student, (4, 6), mode="bilinear")
    cosine = F.cosine_similarity(larger, teacher, dim=1)
    assert distance(student, teacher).item() == pytest.approx((2 - 2 * cosine).mean().item(), rel=1e-12)


def test_every_task_has_adaptors_of_its_own_and_the_maps_add_up():
    student = maps((2, 3, 4, 6), (2, 5, 2, 3))
    teachers = [maps((2, 4, 4, 6), (2, 7, 2, 3), seed=task) for task in (1, 2)]
    loss = alignment(student, teachers)
    with torch.no_grad():
        found = loss([student, student], teachers)
        for task, taught in enumerate(teachers):
            weights = [adaptor.weight[:, :, 0, 0] for adaptor in loss.adaptors[task]]
            adapted = [torch.einsum("kc,bchw->bkhw", w, m) for w, m in zip(weights, student, strict=True)]
            expected = sum(distance(a, t) for a, t in zip(adapted, taught, strict=True))
            torch.testing.assert_close(found[task], expected, rtol=1e-12, atol=0)
    assert not torch.equal(loss.adaptors[0][0].weight, loss.adaptors[1][0].weight)


def test_last_map_is_compared_where_the_student_has_more_of_them_than_the_teacher():
    student, taught = maps((2, 3, 4, 6), (2, 5, 2, 3)), maps((2, 4, 2, 3), seed=1)
    loss = alignment(student, [taught])
    assert len(loss.adaptors[0]) == 1
    assert loss([student], [taught])[0] == distance(loss.adaptors[0][0](student[1]), taught[0])


def test_adaptors_start_as_xavier_has_it_and_have_no_bias():
    student, taught = maps((1, 200, 1, 1)), maps((1, 300, 1, 1))
    (weight,) = alignment(student, [taught]).parameters()
    assert weight.shape == (300, 200, 1, 1)
    assert weight.std().item() == pytest.approx(math.sqrt(2 / 500), rel=0.02)


@pytest.mark.parametrize("several", [False, True])
def test_gradients_are_those_of_the_written_out_sum(several):
    lambdas = [1.0, 0.5, 0.0, 20.0]

    def prepared() -> tuple[Network, FeatureAlignment, Tensor, list[Tensor]]:
        model, image = network(several=several)
        encoded = model.encoder(image)
        encoded = list(encoded) if several else [encoded]
        sizes = [m.shape for m in encoded]
        teachers = [maps(*sizes, seed=task) for task in range(4)]
        return model, alignment(encoded, teachers, weights=lambdas), image, encoded

    model, loss, image, encoded = prepared()
    features = mtl.cut(encoded, 4)
    heads = model.decode([features[t] if several else features[t][0] for t in range(4)])
    mtl.backward(loss.added(heads, features, image), features, Uniform(4))

    twin, twin_loss, image, encoded = prepared()
    heads = twin.decode([encoded if several else encoded[0]] * 4)
    distances = twin_loss([encoded] * 4, twin_loss.teachers.maps)
    (sum(heads) + sum(w * d for w, d in zip(lambdas, distances, strict=True))).backward()
    for ours, theirs in zip(
        [*model.parameters(), *loss.parameters()], [*twin.parameters(), *twin_loss.parameters()], strict=True
    ):
        torch.testing.assert_close(ours.grad, theirs.grad, rtol=1e-10, atol=1e-12)


def test_halves_of_a_batch_average_to_the_whole():
    student, taught = maps((4, 3, 5, 6)), maps((4, 4, 5, 6), seed=1)
    loss = alignment(student, [taught])
    (weight,) = loss.parameters()

    def parts(rows: slice) -> tuple[Tensor, Tensor]:
        value = loss([[student[0][rows]]], [[taught[0][rows]]])[0]
        return value.detach(), torch.autograd.grad(value, weight)[0]

    for first, second, whole in zip(parts(slice(0, 2)), parts(slice(2, 4)), parts(slice(0, 4)), strict=True):
        torch.testing.assert_close((first + second) / 2, whole, rtol=1e-12, atol=1e-15)


def test_adaptors_find_a_linear_map_if_there_is_one():
    student = maps((4, 3, 6, 6))
    mixing = maps((5, 3, 1, 1), seed=1)[0]
    taught = [F.conv2d(student[0], mixing)]
    loss = alignment(student, [taught], steps=400, weight_decay=0, lr=0.1)
    for _ in range(400):
        loss.zero_grad()
        loss([student], [taught])[0].backward()
        loss.after_step()
    assert loss([student], [taught])[0] < 1e-4


def test_learning_rate_falls_as_half_a_cosine():
    student = maps((1, 2, 1, 1))
    loss = alignment(student, [student], steps=4)
    rates = []
    for _ in range(4):
        rates.append(loss.optimizer.param_groups[0]["lr"])
        loss([student], [student])[0].backward()
        loss.after_step()
    rates.append(loss.optimizer.param_groups[0]["lr"])
    assert rates == pytest.approx([1e-2, 1e-2 * (2 + 2**0.5) / 4, 5e-3, 1e-2 * (2 - 2**0.5) / 4, 0], abs=1e-18)
    assert loss.optimizer.param_groups[0]["weight_decay"] == 5e-4


def learn(loss: FeatureAlignment, steps: int) -> list[Tensor]:
    """Trains the adaptors on batches that depend only on the step."""
    for _ in range(steps):
        student = maps((2, 3, 4, 4), (2, 5, 2, 2), seed=loss.step)
        loss.zero_grad()
        sum(loss([student, student], loss.teachers.maps)).backward()
        loss.after_step()
    return [parameter.detach().clone() for parameter in loss.parameters()]


def test_restored_state_continues_bit_for_bit():
    shapes = (2, 3, 4, 4), (2, 5, 2, 2)
    teachers = [maps(*shapes, seed=task) for task in (10, 11)]
    whole = alignment(maps(*shapes), teachers)
    learn(whole, 3)
    file = BytesIO()
    torch.save(whole.state_dict(), file)
    file.seek(0)
    expected = learn(whole, 4)

    parts = alignment(maps(*shapes), teachers)
    learn(parts, 1)
    parts.load_state_dict(torch.load(file, weights_only=True))
    assert all(torch.equal(ours, theirs) for ours, theirs in zip(learn(parts, 4), expected, strict=True))
    assert parts.optimizer.param_groups[0]["lr"] == whole.optimizer.param_groups[0]["lr"]


def test_state_of_other_adaptors_is_refused():
    student = maps((1, 2, 1, 1))
    state = alignment(student, [student, student]).state_dict()
    with pytest.raises((RuntimeError, ValueError)):
        alignment(student, [student]).load_state_dict(state)


def test_pixel_without_features_counts_one_and_gets_no_gradient():
    student, taught = maps((1, 3, 2, 2)), maps((1, 3, 2, 2), seed=1)
    student[0][..., 0, 0] = 0
    student[0].requires_grad_()
    loss = alignment(student, [taught])
    value = loss([student], [taught])[0]
    value.backward()
    assert student[0].grad[..., 0, 0].tolist() == [[0, 0, 0]]
    assert (student[0].grad[..., 1, 1] != 0).all()
    (weight,) = loss.parameters()
    assert torch.isfinite(weight.grad).all()
    others = 2 - 2 * F.cosine_similarity(loss.adaptors[0][0](student[0]), taught[0], dim=1).flatten()[1:]
    assert value.item() == pytest.approx((1 + others.sum().item()) / 4)


@pytest.mark.parametrize("half", [torch.bfloat16, torch.float16])
@pytest.mark.parametrize("autocast", [False, True])
def test_half_precision_features_are_compared_in_float32(autocast, half):
    student, taught = ([m.to(half) for m in maps((2, 8, 4, 4), seed=seed)] for seed in (0, 1))
    loss = alignment(student, [taught]).float()
    with torch.autocast("cpu", half, enabled=autocast):
        (value,) = loss([student], [taught])
    assert value.dtype == torch.float32
    expected = copy.deepcopy(loss).double()([[student[0].double()]], [[taught[0].double()]])[0]
    # without autocast only rounding of float32 is left, with it that of the adaptor's output
    torch.testing.assert_close(value.double(), expected, rtol=1e-2 if autocast else 1e-6, atol=0)


@pytest.mark.parametrize("broken", [False, True])
def test_loss_scale_is_undone_and_an_overflow_moves_nothing(broken):
    student, taught = ([m.float() for m in maps((2, 3, 4, 4), seed=seed)] for seed in (0, 1))
    plain, scaled = (alignment(student, [taught]).float() for _ in range(2))
    before = copy.deepcopy(scaled.state_dict())
    scaler = torch.amp.GradScaler("cpu", init_scale=1024.0)
    plain([student], [taught])[0].backward()
    plain.after_step()
    scaler.scale(scaled([student], [taught])[0]).backward()
    (weight,) = scaled.parameters()
    if broken:
        weight.grad[0] = torch.inf
    scaled.after_step(scaler)
    expected = before["adaptors.0.0.weight"] if broken else next(plain.parameters())
    assert torch.equal(weight, expected)  # a power of two changes no bit


def test_onlooker_learns_and_the_student_does_not_notice():
    (student,) = maps((2, 3, 4, 4))
    taught = student.roll(1, dims=1)  # what a linear map can make of it
    student.requires_grad_()
    loss = alignment([student], [[taught]], steps=60, lr=0.1)
    found = [loss.observe([[student]], student).item() for _ in range(60)]
    assert student.grad is None
    assert found[-1] < 0.05 * found[0]
    assert loss.step == 60


def test_onlooker_forgets_a_batch_that_is_not_finite():
    student, taught = maps((2, 3, 4, 4)), maps((2, 3, 4, 4), seed=1)
    loss = alignment(student, [taught])
    before = [parameter.detach().clone() for parameter in loss.parameters()]
    assert torch.isnan(loss.observe([[student[0] * torch.nan]], student[0])).all()
    assert all(torch.equal(a, b) for a, b in zip(before, loss.parameters(), strict=True))


@pytest.mark.parametrize("weights", [[1, -1], [1, math.inf], [math.nan, 1]])
def test_impossible_weights_are_refused(weights):
    student = maps((1, 2, 1, 1))
    with pytest.raises(ValueError, match="weights must be finite and not negative"):
        alignment(student, [student, student], weights=weights)


@pytest.mark.parametrize("option", [{"lr": 0}, {"lr": math.inf}, {"weight_decay": -1}, {"steps": 0}])
def test_impossible_training_is_refused(option):
    student = maps((1, 2, 1, 1))
    with pytest.raises(ValueError, match=str(next(iter(option.values())))):
        alignment(student, [student], **option)
