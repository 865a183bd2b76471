import pytest
import torch

from mtl.losses import MaskedL1


def test_by_hand():
    prediction = torch.tensor([1.0, 5.0, 2.0, -1.0]).view(1, 1, 2, 2)
    target = torch.tensor([2.0, 0.0, 2.5, 3.0]).view(1, 1, 2, 2)  # 0: not measured
    total, count = MaskedL1()(prediction, target)
    assert total.item() == pytest.approx(1 + 0.5 + 4)  # linear below zero too
    assert count == 3


def test_every_valid_pixel_pulls_with_the_same_force():
    prediction = torch.tensor([0.1, 10.0, 3.0]).view(1, 1, 1, 3).requires_grad_()
    target = torch.tensor([5.0, 2.0, 0.0]).view(1, 1, 1, 3)
    MaskedL1()(prediction, target)[0].backward()
    assert prediction.grad.flatten().tolist() == [-1, 1, 0]
