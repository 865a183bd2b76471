import pytest
import torch
from sequences import assert_resumes, double, golden_sequences, stream
from torch import Tensor

from mtl.weighters import AutoLambda


def make(tasks: int = 3) -> AutoLambda:
    return AutoLambda(tasks, init=0.1, lr=0.01)


def step(weighter: AutoLambda, index: int, losses: Tensor, active: Tensor | None = None) -> Tensor:
    weighter.learn(losses - 1 if active is None else torch.where(active, losses - 1, torch.nan))
    return weighter(losses, active=active).weights


@pytest.mark.parametrize(("file", "case"), golden_sequences("auto_lambda"))
def test_golden(file, case):
    weighter = AutoLambda(case["T"], case["init"], case["meta_lr"])
    for expected in case["expected"]:
        weighter.learn(double(expected["meta_gradient"]))
        found = weighter(torch.ones(case["T"]).double()).weights
        torch.testing.assert_close(found, double(expected["lambda_after"]), rtol=1e-12, atol=0)


def test_first_step_by_hand():
    weighter = make(2)
    weighter.learn(double([-0.1, 0.2]))
    assert weighter(torch.ones(2)).weights.tolist() == pytest.approx([0.11, 0.09])


def test_weight_may_become_negative_and_is_counted():
    weighter = make(2)
    for _ in range(12):
        weighter.learn(double([1.0, -1.0]))
    assert weighter(torch.ones(2)).weights.tolist() == pytest.approx([-0.02, 0.22])
    assert weighter.diagnostics() == {"negative": 1}


def test_task_without_a_slope_keeps_its_weight_and_its_state():
    three, two, active = make(3), make(2), torch.tensor([True, False, True])
    for index, losses in enumerate(stream(6, 3)):
        weights = step(three, index, losses, active)
        assert weights[1] == 0
        assert torch.equal(weights[active], step(two, index, losses[active]))
    assert three.task_weights[1] == 0.1


def test_saved_and_loaded_it_continues_bit_for_bit():
    assert_resumes(make, step)


@pytest.mark.parametrize("words", [{"init": 0.0}, {"init": torch.nan}, {"lr": 0.0}, {"lr": torch.inf}])
def test_wrong_setting_is_refused_by_value(words):
    with pytest.raises(ValueError, match=str(next(iter(words.values())))):
        AutoLambda(3, **{"init": 0.1, "lr": 0.01} | words)
