import json

import pytest
import torch
from golden_rule import FOLDER

from mtl.engine.schedules import PolySchedule

REFERENCE = json.loads((FOLDER / "poly_schedule.json").read_text())["cases"]


def rates(per: str, steps: int = 10, steps_per_epoch: int = 5, lr: float = 2.0, power: float = 0.9) -> list[float]:
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=lr)
    schedule = PolySchedule(optimizer, power=power, per=per, steps=steps, steps_per_epoch=steps_per_epoch)
    used = []
    for step in range(1, steps + 1):
        used.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        schedule.after_step(step)
    return used


def test_every_step_follows_the_formula():
    assert rates("step") == pytest.approx([2 * (1 - k / 10) ** 0.9 for k in range(10)])


def test_every_epoch_follows_the_formula():
    assert rates("epoch") == pytest.approx([2.0] * 5 + [2 * 0.5**0.9] * 5)


@pytest.mark.parametrize("case", REFERENCE, ids=lambda case: f"{case['per']} {case['steps']}")
def test_rates_of_the_reference(case):
    numbers = {key: case[key] for key in ("per", "steps", "steps_per_epoch", "lr", "power")}
    found = rates(**numbers)
    assert [found[step] for step in case["at"]] == pytest.approx(case["lrs"], rel=1e-9)


def test_other_words_are_refused():
    with pytest.raises(ValueError, match="'week'"):
        rates("week")
