import pytest
import torch
import torch.nn.functional as F

from mtl.losses import NormalsL1


def test_by_hand():
    prediction = torch.tensor([[0.0, 0.0, 2.0], [3.0, 0.0, 0.0], [1.0, 1.0, 1.0]]).T.view(1, 3, 1, 3)
    target = torch.tensor([[0.0, 0.0, 1.0], [0.0, 1.0, 0.0], [0.0, 0.0, 0.0]]).T.view(1, 3, 1, 3)
    total, count = NormalsL1(reduction="pixel")(prediction, target)
    assert total.item() == pytest.approx(0 + 2)  # the third pixel has no normal
    assert count == 2


def test_every_normal_that_is_not_exactly_zero_counts():
    prediction = torch.tensor([[0.0, 0.0, 2.0], [0.0, 0.0, 1.0], [1.0, 0.0, 0.0]]).T.view(1, 3, 1, 3)
    target = torch.tensor([[0.0, 0.0, 0.05], [0.01, 0.0, 0.0], [0.0, 0.0, 0.0]]).T.view(1, 3, 1, 3)
    total, count = NormalsL1(reduction="pixel")(prediction, target)
    assert total.item() == pytest.approx(0.95 + 1.01)
    assert count == 2


def test_element_is_the_mean_over_all_valid_elements():
    generator = torch.Generator().manual_seed(0)
    prediction = torch.randn(2, 3, 4, 5, generator=generator, dtype=torch.float64)
    target = F.normalize(torch.randn(2, 3, 4, 5, generator=generator, dtype=torch.float64), dim=1)
    target[:, :, 1] = 0
    kept = [0, 2, 3]
    unit = prediction / prediction.square().sum(dim=1, keepdim=True).sqrt()
    expected = F.l1_loss(unit[:, :, kept], target[:, :, kept])
    total, count = NormalsL1(reduction="element")(prediction, target)
    torch.testing.assert_close(total / count, expected, rtol=1e-13, atol=0)


def test_pixel_is_three_times_element():
    prediction, target = torch.randn(1, 3, 4, 4), F.normalize(torch.randn(1, 3, 4, 4), dim=1)
    pixel, _ = NormalsL1(reduction="pixel")(prediction, target)
    element, _ = NormalsL1(reduction="element")(prediction, target)
    torch.testing.assert_close(pixel, 3 * element)


def test_length_of_the_prediction_is_free():
    prediction, target = torch.randn(1, 3, 4, 4), F.normalize(torch.randn(1, 3, 4, 4), dim=1)
    loss = NormalsL1(reduction="pixel")
    torch.testing.assert_close(loss(7 * prediction, target), loss(prediction, target))


def test_unknown_reduction_is_refused():
    with pytest.raises(ValueError, match="'pixel' or 'element', got 'mean'"):
        NormalsL1(reduction="mean")
