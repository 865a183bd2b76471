from math import log

import pytest
import torch

from mtl.losses import BalancedCrossEntropy, CrossEntropy


def test_cross_entropy_by_hand():
    prediction = torch.tensor([log(3.0), log(3.0), 9.0, 0.0, 0.0, 0.0]).view(1, 2, 1, 3)  # p_0 = 3/4, 3/4, -
    target = torch.tensor([0, 1, 255], dtype=torch.uint8).view(1, 1, 1, 3)
    total, count = CrossEntropy()(prediction, target)
    assert total.item() == pytest.approx(log(4 / 3) + log(4))
    assert count == 2


def test_cross_entropy_equals_the_gathered_log_probabilities():
    generator = torch.Generator().manual_seed(0)
    prediction = torch.randn(3, 6, 5, 4, generator=generator, dtype=torch.float64)
    target = torch.randint(6, (3, 1, 5, 4), generator=generator, dtype=torch.uint8)
    target[1, :, 2:] = 255
    total, count = CrossEntropy()(prediction, target)
    expected = 0.0
    for b, y, x in (target[:, 0] != 255).nonzero().tolist():
        scores = prediction[b, :, y, x]
        expected += (scores.exp().sum().log() - scores[target[b, 0, y, x].item()]).item()
    assert total.item() == pytest.approx(expected, rel=1e-13)
    assert count == 3 * 20 - 12


def test_balanced_cross_entropy_by_hand():
    prediction = torch.zeros(1, 2, 1, 5)  # every pixel costs log 2
    target = torch.tensor([1, 0, 0, 0, 255], dtype=torch.uint8).view(1, 1, 1, 5)  # rho = 3/4
    total, count = BalancedCrossEntropy()(prediction, target)
    assert total.item() == pytest.approx((3 / 4 + 3 * 1 / 4) * log(2))
    assert count == 4  # pixels, not the sum of the weights


def test_balance_is_taken_over_the_batch_not_per_image():
    generator = torch.Generator().manual_seed(1)
    prediction = torch.randn(2, 2, 3, 4, generator=generator, dtype=torch.float64)
    target = torch.ones(2, 1, 3, 4, dtype=torch.uint8)
    target[1, :, :2] = 0  # 8 of 24 pixels, all in the second image
    total, _ = BalancedCrossEntropy()(prediction, target)
    foreground = target[:, 0] == 1
    margin = prediction[:, 1] - prediction[:, 0]
    expected = (8 / 24 * (1 + (-margin).exp()).log())[foreground].sum()
    expected += (16 / 24 * (1 + margin.exp()).log())[~foreground].sum()
    torch.testing.assert_close(total, expected, rtol=1e-13, atol=0)


def test_a_batch_with_foreground_only_teaches_nothing():
    prediction = torch.randn(1, 2, 3, 3, requires_grad=True)
    total, count = BalancedCrossEntropy()(prediction, torch.ones(1, 1, 3, 3, dtype=torch.uint8))
    total.backward()
    assert total == 0
    assert count == 9
    assert not prediction.grad.any()


@pytest.mark.parametrize(("loss", "classes"), [(CrossEntropy(), 6), (BalancedCrossEntropy(), 2)])
def test_deterministic_kernels_change_only_the_rounding(loss, classes):
    generator = torch.Generator().manual_seed(2)
    prediction = torch.randn(2, classes, 9, 7, generator=generator, requires_grad=True)
    target = torch.randint(classes, (2, 1, 9, 7), generator=generator, dtype=torch.uint8)
    target[0, :, :3] = 255
    found = []
    try:
        for wanted in (False, True):
            torch.use_deterministic_algorithms(wanted)
            total, count = loss(prediction, target)
            found.append((total, count, *torch.autograd.grad(total, prediction)))
    finally:
        torch.use_deterministic_algorithms(False)
    assert found[0][0].shape == ()
    for plain, deterministic in zip(*found, strict=True):
        torch.testing.assert_close(plain, deterministic)
