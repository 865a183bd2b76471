import pytest
import torch

from mtl.layers import SqueezeExcite, basic_block, bottleneck


def kernels(block):
    return [tuple(p.shape) for name, p in block.named_parameters() if name.startswith("conv")]


def test_basic_block_is_two_3x3_convolutions_and_projects_where_the_width_changes():
    assert kernels(basic_block(6, 8)) == [(8, 6, 3, 3), (8, 8, 3, 3)]
    assert basic_block(6, 8).downsample[0].weight.shape == (8, 6, 1, 1)
    assert basic_block(8, 8).downsample is None
    assert basic_block(8, 8, project=True).downsample[0].weight.shape == (8, 8, 1, 1)


def test_bottleneck_is_a_quarter_as_wide_inside():
    assert kernels(bottleneck(6, 8)) == [(2, 6, 1, 1), (2, 2, 3, 3), (8, 2, 1, 1)]
    assert bottleneck(8, 8).downsample is not None


def test_blocks_keep_the_size_and_leave_their_input_as_it_was():
    x = torch.randn(2, 8, 5, 7)
    kept = x.clone()
    assert basic_block(8, 4)(x).shape == (2, 4, 5, 7)
    assert basic_block(8, 8)(x).shape == (2, 8, 5, 7)
    assert bottleneck(8, 16)(x).shape == (2, 16, 5, 7)
    assert torch.equal(x, kept)


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
