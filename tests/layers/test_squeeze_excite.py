import pytest
import torch

from mtl.layers import SqueezeExcite


def test_gate_by_hand():
    """Channel means 2 and -1, hidden unit relu(2 * 2 + 3 * -1 - 0.5) = 0.5."""
    layer = SqueezeExcite(2, reduction=2, bias=True)
    with torch.no_grad():
        layer.squeeze.weight.copy_(torch.tensor([[2.0, 3.0]]))
        layer.squeeze.bias.copy_(torch.tensor([-0.5]))
        layer.excite.weight.copy_(torch.tensor([[1.0], [-4.0]]))
        layer.excite.bias.copy_(torch.tensor([0.25, 3.0]))
    x = torch.tensor([[[[1.0, 3.0]], [[-2.0, 0.0]]]])  # [1, 2, 1, 2]
    gate = torch.sigmoid(torch.tensor([0.5 + 0.25, -2.0 + 3.0]))
    torch.testing.assert_close(layer(x), x * gate.view(1, 2, 1, 1))


def test_images_of_a_batch_do_not_mix():
    torch.manual_seed(0)
    layer, x = SqueezeExcite(8, reduction=4, bias=True), torch.randn(3, 8, 4, 5)
    torch.testing.assert_close(layer(x)[1:2], layer(x[1:2]))


@pytest.mark.parametrize(("bias", "size"), [(True, 2 * 36 * 2 + 2 + 36), (False, 2 * 36 * 2)])
def test_size_is_that_of_two_linear_maps(bias, size):
    assert sum(p.numel() for p in SqueezeExcite(36, 16, bias).parameters()) == size
