"""The loss of every task, against SAK's code; normals per element, against the survey's."""

import json

import pytest
import torch
from golden_rule import FOLDER, GRADIENT, OUTPUT, assert_near, at, labels, predictions
from hydra.utils import instantiate

from mtl import build

GOLDEN = json.loads((FOLDER / "losses.json").read_text())


def loss_of(task, words):
    dataset = "nyud" if task in ("depth", "semseg", "normals", "edge") else "pascal_context"
    return instantiate(build.compose([f"dataset={dataset}", *words]).dataset.tasks[task].loss)


@pytest.mark.parametrize("case", GOLDEN["cases"], ids=lambda case: case["id"])
def test_loss_and_its_gradient_are_those_of_the_reference(case):
    shape = GOLDEN["batch"], GOLDEN["height"], GOLDEN["width"]
    prediction = predictions(case["task"], shape, GOLDEN["salt"]).requires_grad_()
    target = labels(case["task"], shape, GOLDEN["salt"], GOLDEN["ignored"])
    total, count = loss_of(case["task"], case["words"])(prediction, target)
    assert count == case["valid"]
    loss = total / count
    assert_near(loss.item(), case["loss"], OUTPUT, case["loss"], "loss")
    (gradient,) = torch.autograd.grad(loss, prediction)
    norm = case["gradient_norm"]
    assert_near(gradient.norm().item(), norm, GRADIENT, norm, "norm of the gradient")
    assert_near(at(case["gradient_places"], gradient, 24), case["gradient_values"], GRADIENT, norm, "gradient")
