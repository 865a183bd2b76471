"""Three steps of training: losses, learning rates, weights and statistics, against the survey's code.

The step is the trainer's: cut, losses, `mtl.backward`, optimizer, schedule.
"""

import json

import pytest
import torch
from golden_rule import FOLDER, GRADIENT, OUTPUT, STATISTIC, assert_near, at, labels, network, signed

import mtl
from mtl import build
from mtl.engine.objective import Objective
from mtl.engine.schedules import PolySchedule
from mtl.losses import TotalLoss
from mtl.weighters import Fixed

CHANGE = 1e-6  # of the largest: Adam divides rounding errors by small numbers


@pytest.mark.parametrize("path", sorted(FOLDER.glob("training_*.json")), ids=lambda path: path.stem)
def test_three_steps_are_those_of_the_reference(path):
    case = json.loads(path.read_text())
    model = network(case["words"]).train()
    start = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    tasks = build.build_tasks(build.compose(case["words"]))
    objective = Objective(model, TotalLoss(tasks), "float32")
    options = dict(case["optimizer"])
    parameters = list(model.parameters())
    optimizer = getattr(torch.optim, options.pop("name"))(parameters, **options)
    schedule = PolySchedule(optimizer, power=0.9, per="step", steps=len(case["steps"]), steps_per_epoch=1)
    weighter = Fixed(len(tasks), [case["weights"][task.name] for task in tasks])

    for number, expected in enumerate(case["steps"]):
        salt = f"~{number}"
        batch, _, *size = case["image"]
        data = {task.name: labels(task.name, (batch, *size), salt, case["ignored"]) for task in tasks}
        losses, features, _ = objective(data | {"image": 2 * signed(f"image{salt}", case["image"])})
        optimizer.zero_grad()
        mtl.backward(losses, features, weighter, shared=model.shared_parameters(), last_layer=model.last_layer)
        norm = torch.nn.utils.get_total_norm([p.grad for p in parameters]).item()
        if case["clip"] is not None:
            torch.nn.utils.clip_grad_norm_(parameters, case["clip"])
        assert optimizer.param_groups[0]["lr"] == pytest.approx(expected["lr"], rel=1e-12)
        for task, loss in zip(tasks, losses, strict=True):
            reached = expected["losses"][task.name]
            assert_near(loss.item(), reached, OUTPUT, reached, f"loss of {task.name} in step {number}")
        assert_near(norm, expected["gradient_norm"], GRADIENT, expected["gradient_norm"], f"gradient of step {number}")
        optimizer.step()
        schedule.after_step(number + 1)

    state = model.state_dict()
    for name, change in case["changes"].items():
        found, largest = state[name] - start[name], max(map(abs, change["values"]))
        assert_near(found.norm().item(), change["norm"], CHANGE, change["norm"], f"norm of the change of {name}")
        assert_near(at(f"at:{name}", found, 8), change["values"], CHANGE, largest, f"change of {name}")
    for name, buffer in case["buffers"].items():
        found = state[name].norm().item(), at(f"at:{name}", state[name], 8)
        assert_near(found[0], buffer["norm"], STATISTIC, buffer["norm"], f"norm of {name}")
        assert_near(found[1], buffer["values"], STATISTIC, buffer["norm"], name)
