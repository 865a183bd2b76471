import json
import math
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from mtl.losses import FeatureDistillation
from mtl.losses.feature_distillation import adaptor_of, difference

FOLDER = Path(__file__).parent.parent / "golden/weighters"
GOLDEN = json.loads((FOLDER / "multi_teacher_distillation__SAK.json").read_text())["cases"]
TRAINING = {"steps": 10, "lr": 1e-3, "weight_decay": 0.0, "weight": 1.0, "share": 0.9}


class Given:
    """Teachers with given maps."""

    def __init__(self, **maps: list[Tensor]) -> None:
        self.names, self.maps = list(maps), list(maps.values())
        self.channels = [[m.shape[1] for m in own] for own in self.maps]

    def features(self, image: Tensor) -> list[list[Tensor]]:
        return self.maps


def maps(*shapes: tuple[int, int, int, int]) -> list[Tensor]:
    generator = torch.Generator().manual_seed(0)
    return [torch.randn(shape, generator=generator, dtype=torch.float64) for shape in shapes]


def distillation(student: list[Tensor], teachers: Given, paths: list[list[int]], **options) -> FeatureDistillation:
    options = {"cosine": "place", "adaptor": "mlp"} | TRAINING | options
    channels = [m.shape[1] for m in student]
    return FeatureDistillation(channels=channels, paths=paths, teachers=teachers, **options).double()


@pytest.mark.parametrize("case", GOLDEN, ids=lambda c: c["id"])
def test_golden(case):
    student, teacher = (torch.tensor(case[key], dtype=torch.float64) for key in ("student", "teacher"))
    expected = case["expected"]
    found = difference(student.requires_grad_(), teacher, 0.9, "map")
    assert found.item() == pytest.approx(expected["cos+l1"], rel=1e-10)
    assert difference(student, teacher, 1.0, "map").item() == pytest.approx(expected["cos"], rel=1e-10)
    if case["kind"] != "zero":
        place = difference(student, teacher, 0.9, "place").item()
        assert place == pytest.approx(expected["per_position_cos+l1"], rel=1e-10)
    (gradient,) = torch.autograd.grad(found, student)
    wanted = torch.tensor(expected["student_gradient"], dtype=torch.float64)
    torch.testing.assert_close(gradient, wanted, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(("cosine", "expected"), [("map", 1 - 1 / math.sqrt(10)), ("place", 1.0)])
def test_cosine_of_maps_and_of_places_by_hand(cosine, expected):
    student = torch.tensor([[1.0, 0.0], [0.0, 1.0]]).reshape(1, 2, 1, 2)  # two pixels: (1, 0) and (0, 1)
    teacher = torch.tensor([[2.0, 0.0], [0.0, -1.0]]).reshape(1, 2, 1, 2)  # (2, 0) and (0, -1)
    assert difference(student, teacher, 1.0, cosine).item() == pytest.approx(expected)
    assert difference(student, teacher, 0.0, cosine).item() == pytest.approx((0.5 + 1.5) / 4)


def test_sum_over_teachers_and_maps_and_what_is_compared_with_what():
    student = maps((2, 3, 4, 6), (2, 3, 4, 6), (2, 3, 4, 6))
    teachers = Given(first=[torch.zeros(2, 3, 4, 6), student[1] + 1, student[2] - 1], second=[student[0] * 2])
    module = distillation(student, teachers, [[1, 2], [0]], adaptor="linear", weight=3.0, share=0.0)
    assert not [*module.parameters()]
    last = torch.nn.functional.smooth_l1_loss(student[0], 2 * student[0]).item()
    assert module(student, student[0]).item() == pytest.approx(3 * (0.5 + 0.5 + last))
    assert module.distances.tolist() == pytest.approx([1, last])
    module.after_step(torch.amp.GradScaler("cpu"))  # there is nothing to step
    assert module.step == 1


def test_teacher_with_too_few_maps_is_named():
    student = maps((1, 3, 2, 2), (1, 3, 2, 2))
    with pytest.raises(ValueError, match="teacher narrow has 1 maps, and 2 are compared"):
        distillation(student, Given(narrow=student[:1]), [[0, 1]])


def test_adaptors_are_of_the_teachers_width():
    (own,) = maps((2, 6, 3, 4))
    mlp = adaptor_of("mlp", 6, 8).double()
    assert mlp(own).shape == (2, 8, 3, 4)
    assert sum(p.numel() for p in mlp.parameters()) == (6 * 8 + 8) + 16 + (64 + 8)
    linear = adaptor_of("linear", 6, 8).double()
    expected = torch.einsum("oc,bchw->bohw", linear[0].weight, own) + linear[0].bias[:, None, None]
    torch.testing.assert_close(linear(own), expected)
    assert isinstance(adaptor_of("linear", 6, 6), nn.Identity)


def test_adaptor_learns_and_its_state_is_complete():
    (student, theirs) = maps((2, 6, 3, 4), (2, 8, 3, 4))
    module = distillation([student], Given(one=[theirs]), [[0]], lr=3e-2)
    first = module([student], student).item()
    for _ in range(10):
        module.zero_grad()
        module([student], student).backward()
        module.after_step()
    assert module([student], student).item() < 0.8 * first
    assert module.optimizer.param_groups[0]["lr"] == 0  # half a cosine over 10 steps
    again = distillation([student], Given(one=[theirs]), [[0]], lr=3e-2)
    again.load_state_dict(module.state_dict())
    assert again.step == 10
    assert again.optimizer.state_dict()["state"][0]["step"] == 10


@pytest.mark.parametrize("cosine", ["map", "place"])
def test_features_of_zero_have_no_direction(cosine):
    zero, other = torch.zeros(1, 2, 2, 2, requires_grad=True), torch.ones(1, 2, 2, 2)
    for pair in ((zero, other), (zero, torch.zeros(1, 2, 2, 2))):
        found = difference(*pair, 1.0, cosine)
        assert found.item() == 1
        assert not torch.autograd.grad(found, zero)[0].any()
