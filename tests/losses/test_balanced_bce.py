from math import log

import pytest
import torch
import torch.nn.functional as F

from mtl.losses import BalancedBCE


def test_by_hand():
    prediction = torch.zeros(1, 1, 1, 4)  # every pixel costs log 2
    target = torch.tensor([1, 0, 0, 255], dtype=torch.uint8).view(1, 1, 1, 4)
    total, count = BalancedBCE(positive_weight=0.95)(prediction, target)
    assert total.item() == pytest.approx((0.95 + 2 * 0.05) * log(2))
    assert count == 3


def test_equals_the_scaled_torch_loss_with_pos_weight():
    generator = torch.Generator().manual_seed(0)
    prediction = 4 * torch.randn(2, 1, 6, 5, generator=generator, dtype=torch.float64)
    target = torch.randint(2, (2, 1, 6, 5), generator=generator, dtype=torch.uint8)
    target[0, 0, 0] = 255
    valid = target != 255
    total, _ = BalancedBCE(positive_weight=0.95)(prediction, target)
    pos_weight = torch.tensor(0.95 / 0.05, dtype=torch.float64)
    expected = F.binary_cross_entropy_with_logits(
        prediction[valid], target[valid].double(), pos_weight=pos_weight, reduction="sum"
    )
    torch.testing.assert_close(total, 0.05 * expected, rtol=1e-13, atol=0)


def test_confident_and_wrong_stays_finite():
    prediction = torch.tensor([-1e4, 1e4]).view(1, 1, 1, 2)
    target = torch.tensor([1, 0], dtype=torch.uint8).view(1, 1, 1, 2)
    total, _ = BalancedBCE(positive_weight=0.95)(prediction, target)
    assert total.item() == pytest.approx(1e4)


@pytest.mark.parametrize("weight", [0, 1, 19])
def test_weight_outside_zero_and_one_is_refused(weight):
    with pytest.raises(ValueError, match=f"between 0 and 1, got {weight}"):
        BalancedBCE(positive_weight=weight)
