import pytest
import torch

from mtl.engine.schedules import PolySchedule


def rates(per: str, steps: int = 10, steps_per_epoch: int = 5) -> list[float]:
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=2.0)
    schedule = PolySchedule(optimizer, power=0.9, per=per, steps=steps, steps_per_epoch=steps_per_epoch)
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


def test_other_words_are_refused():
    with pytest.raises(ValueError, match="'week'"):
        rates("week")
