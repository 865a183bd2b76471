"""Properties of every loss."""

import pytest
import torch
import torch.nn.functional as F

from mtl.losses import (
    BalancedBCE,
    BalancedCrossEntropy,
    CrossEntropy,
    DepthClasses,
    EdgeClasses,
    MaskedL1,
    NormalClasses,
    NormalsL1,
)

LOSSES = {
    "cross_entropy": (CrossEntropy(), 5),
    "balanced_cross_entropy": (BalancedCrossEntropy(), 2),
    "balanced_bce": (BalancedBCE(positive_weight=0.95), 1),
    "masked_l1": (MaskedL1(), 1),
    "normals_l1": (NormalsL1(reduction="pixel"), 3),
    "edge_classes": (EdgeClasses(positive_weight=0.95), 2),
    "depth_classes": (DepthClasses(channels=6, nearest=0.7, farthest=10), 6),
    "normal_classes": (NormalClasses(channels=6), 6),
}


def batch(name, channels, dtype=torch.float64):
    """Six images of 4 x 7 pixels, about a third of them invalid."""
    generator = torch.Generator().manual_seed(7)
    prediction = torch.randn(6, channels, 4, 7, generator=generator, dtype=torch.float64).to(dtype)
    hidden = torch.rand(6, 1, 4, 7, generator=generator) < 0.3
    if name in ("normals_l1", "normal_classes"):
        target = F.normalize(torch.randn(6, 3, 4, 7, generator=generator), dim=1).masked_fill(hidden, 0)
    elif name in ("masked_l1", "depth_classes"):
        target = (0.5 + 5 * torch.rand(6, 1, 4, 7, generator=generator)).masked_fill(hidden, 0)
    else:
        classes = max(channels, 2)
        target = torch.randint(classes, (6, 1, 4, 7), generator=generator, dtype=torch.uint8)
        target = target.masked_fill(hidden, 255)
    return prediction.requires_grad_(), target, ~hidden


def nothing_valid(target):
    return torch.full_like(target, 255 if target.dtype == torch.uint8 else 0)


@pytest.mark.parametrize("name", LOSSES)
def test_count_is_the_number_of_valid_pixels(name):
    loss, channels = LOSSES[name]
    prediction, target, valid = batch(name, channels)
    total, count = loss(prediction, target)
    assert count == valid.sum()
    assert count.dtype == torch.int64
    assert total.shape == count.shape == ()


@pytest.mark.parametrize("name", LOSSES)
def test_pixels_that_are_not_valid_get_no_gradient_and_the_others_do(name):
    loss, channels = LOSSES[name]
    prediction, target, valid = batch(name, channels)
    loss(prediction, target)[0].backward()
    pushed = prediction.grad.abs().sum(dim=1, keepdim=True) > 0
    assert torch.equal(pushed, valid)


@pytest.mark.parametrize("name", LOSSES)
def test_all_ignored_is_zero_and_connected(name):
    loss, channels = LOSSES[name]
    prediction, target, _ = batch(name, channels)
    total, count = loss(prediction, nothing_valid(target))
    total.backward()
    assert total == 0
    assert count == 0
    assert torch.equal(prediction.grad, torch.zeros_like(prediction))


@pytest.mark.parametrize("name", [name for name in LOSSES if name != "balanced_cross_entropy"])
def test_sums_and_counts_of_the_parts_add_up_to_those_of_the_batch(name):
    loss, channels = LOSSES[name]
    prediction, target, _ = batch(name, channels)
    parts = [loss(prediction[a:b], target[a:b]) for a, b in [(0, 1), (1, 4), (4, 6)]]
    total, count = loss(prediction, target)
    assert sum(part[1] for part in parts) == count
    torch.testing.assert_close(sum(part[0] for part in parts), total, rtol=1e-14, atol=0)


@pytest.mark.parametrize("autocast", [False, True])
@pytest.mark.parametrize("name", LOSSES)
def test_half_precision_prediction_is_summed_in_float32(name, autocast):
    loss, channels = LOSSES[name]
    prediction, target, _ = batch(name, channels, dtype=torch.bfloat16)
    expected, _ = loss(prediction.detach().double(), target)
    with torch.autocast("cpu", dtype=torch.bfloat16, enabled=autocast):
        total, _ = loss(prediction, target)
    assert total.dtype == torch.float32
    torch.testing.assert_close(total.double(), expected, rtol=1e-6, atol=0)  # bfloat16 steps by 4e-3
