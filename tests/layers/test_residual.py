import torch

from mtl.layers import basic_block, bottleneck


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
