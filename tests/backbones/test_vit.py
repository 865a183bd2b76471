import pytest
import timm
import torch
from timm.layers import resample_abs_pos_embed

from mtl.backbones import SAM, ViT

NARROW = {"depth": 4, "embed_dim": 24, "num_heads": 2, "drop_path": 0.0, "taps": (1, 2, 3, 4), "pretrained": False}
PLAIN = "vit_tiny_patch16_384.augreg_in21k_ft_in1k"
CLIP = "vit_base_patch16_clip_384.laion2b_ft_in12k_in1k"
DINO = "vit_base_patch16_224.dino"
DINOV2 = "vit_base_patch14_reg4_dinov2.lvd142m"
SAM_NAME = "samvit_base_patch16.sa1b"


def narrow(name, **options):
    torch.manual_seed(0)
    if name == SAM_NAME:
        return SAM(name, **NARROW, window_size=3, global_attn_indexes=(1, 3), img_size=128, **options)
    return ViT(name, **NARROW, **options)


def full(name):
    with torch.device("meta"):  # shapes without memory
        kind = SAM if name == SAM_NAME else ViT
        return kind(name, pretrained=False, taps=(3, 6, 9, 12), drop_path=0.15)


@pytest.mark.parametrize(
    ("name", "size", "channels", "patch"),
    [
        (PLAIN, 5_597_376, 192, 16),
        ("vit_base_patch16_384.augreg_in1k", 86_090_496, 768, 16),
        ("vit_base_patch16_224.augreg_in21k", 85_798_656, 768, 16),
        (CLIP, 86_091_264, 768, 16),
        (DINO, 85_798_656, 768, 16),
        (DINOV2, 86_582_016, 768, 14),
        (SAM_NAME, 88_883_456, 768, 16),  # without its neck
    ],
)
def test_encoder_has_the_published_size_on_its_native_grid(name, size, channels, patch):
    backbone = full(name)
    assert sum(p.numel() for p in backbone.parameters()) == size
    assert backbone.channels == [channels] * 4
    assert backbone.strides == [patch] * 4
    assert backbone.multiple == patch
    assert backbone.last_layer.shape == (channels, 4 * channels)


@pytest.mark.parametrize(
    ("name", "size", "grid"),
    [(PLAIN, (64, 96), (4, 6)), (CLIP, (64, 96), (4, 6)), (DINOV2, (56, 98), (4, 7)), (SAM_NAME, (64, 96), (4, 6))],
)
def test_every_tap_is_a_map_of_the_patch_grid(name, size, grid):
    maps = narrow(name).eval()(torch.randn(2, 3, *size))
    assert [tuple(m.shape) for m in maps] == [(2, 24, *grid)] * 4


@pytest.mark.parametrize("name", [PLAIN, CLIP, DINOV2, SAM_NAME])
def test_every_parameter_gets_a_gradient(name):
    backbone = narrow(name)
    side = 8 * backbone.multiple
    sum(m.square().mean() for m in backbone(torch.randn(2, 3, side, side))).backward()
    assert [key for key, parameter in backbone.named_parameters() if not parameter.grad.any()] == []


def test_maps_are_timms_own_with_the_final_norm_on_the_last_alone():
    backbone = narrow(PLAIN).eval()
    image = torch.randn(1, 3, 384, 384)
    maps = backbone(image)
    raw = backbone.body.forward_intermediates(image, norm=False, intermediates_only=True)
    assert all(torch.equal(ours, theirs) for ours, theirs in zip(maps[:3], raw[:3], strict=True))
    tokens = backbone.body.forward_features(image)[:, 1:]  # the class token first
    assert torch.allclose(maps[3].flatten(2).transpose(1, 2), tokens, atol=1e-6)
    assert not torch.allclose(maps[3], raw[3], atol=1e-3)


@pytest.mark.parametrize("name", [PLAIN, CLIP, DINOV2])
def test_raw_last_tap_is_timms_own_and_leaves_no_norm_behind(name):
    raw, normed = narrow(name, norm_last=False).eval(), narrow(name).eval()
    image = torch.randn(1, 3, 8 * raw.multiple, 8 * raw.multiple)
    expected = normed.body.forward_intermediates(image, indices=[3], norm=False, intermediates_only=True)[-1]
    assert torch.equal(raw(image)[-1], expected)
    assert torch.equal(raw(image)[0], normed(image)[0])
    assert set(normed.body.state_dict()) - set(raw.body.state_dict()) == {"norm.weight", "norm.bias"}


def test_blocks_behind_the_last_tap_do_not_exist():
    options = NARROW | {"taps": (1, 3)}
    backbone = ViT(PLAIN, **options)
    assert len(backbone.body.blocks) == 3
    assert len(backbone(torch.randn(1, 3, 32, 32))) == 2


def test_position_embedding_is_resampled_once_to_the_grid_of_training():
    native, ours = narrow(PLAIN), narrow(PLAIN, size=(64, 96))
    expected = resample_abs_pos_embed(native.body.pos_embed, new_size=[4, 6], num_prefix_tokens=1)
    assert ours.body.pos_embed.shape == (1, 25, 24)
    assert torch.allclose(ours.body.pos_embed, expected)
    image = torch.randn(1, 3, 64, 96)
    for one, other in zip(native.eval()(image), ours.eval()(image), strict=True):
        assert torch.allclose(one, other, atol=1e-5)


def test_grid_of_as_many_patches_in_another_shape_is_resampled_too():
    backbone = narrow(PLAIN, size=(288, 512))  # 18 x 32 patches, as many as 24 x 24
    native = narrow(PLAIN)
    assert backbone.body.pos_embed.shape == native.body.pos_embed.shape
    assert not torch.allclose(backbone.body.pos_embed, native.body.pos_embed)


def test_class_position_and_registers_stay_as_they_are():
    plain, registers = narrow(PLAIN, size=(64, 96)), narrow(DINOV2, size=(56, 98))
    assert torch.equal(plain.body.pos_embed[:, :1], narrow(PLAIN).body.pos_embed[:, :1])
    assert registers.body.pos_embed.shape == (1, 4 * 7, 24)  # none for class and registers
    assert registers.body.reg_token.shape == (1, 4, 24)


def test_images_of_other_sizes_than_those_of_training_are_read():
    backbone = narrow(PLAIN, size=(64, 96)).eval()
    assert backbone(torch.randn(1, 3, 96, 64))[-1].shape == (1, 24, 6, 4)


@pytest.mark.parametrize(
    ("name", "size", "advice"),
    [
        (PLAIN, (65, 96), "16; .* 64 x 96"),
        (PLAIN, (70, 96), "16; .* 80 x 96"),
        (DINOV2, (448, 576), "14; .* 448 x 574, .* dataset.height=448 dataset.width=574"),  # Table IV, NYUD-v2
        (DINOV2, (512, 512), "14; .* 518 x 518"),  # Table IV, PASCAL-Context
        (DINOV2, (3, 28), "14; .* 14 x 28"),
        (SAM_NAME, (64, 90), "16;"),
    ],
)
def test_size_that_the_patches_cannot_tile_is_refused_by_name(name, size, advice):
    with pytest.raises(ValueError, match=f"image of {size[0]} x {size[1]}: sides must be multiples of {advice}"):
        narrow(name).check_size(torch.empty(1, 3, *size))


@pytest.mark.parametrize("name", [PLAIN, CLIP, DINOV2, SAM_NAME])
def test_drop_path_grows_linearly_to_the_last_block(name):
    rates = [getattr(block.drop_path1, "drop_prob", 0.0) for block in full(name).body.blocks]
    assert rates == pytest.approx([0.15 * i / 11 for i in range(12)])


def test_patch_norm_and_tokens_of_each_initialisation():
    assert not full(PLAIN).body.norm_pre.state_dict()
    assert full(CLIP).body.norm_pre.state_dict()
    assert full(DINOV2).body.blocks[0].ls1.gamma.shape == (768,)
    sam = full(SAM_NAME).body
    assert [block.window_size for block in sam.blocks] == [14, 14, 0] * 4
    assert sam.pos_embed.shape == (1, 64, 64, 768)
    assert not any("neck" in key for key in sam.state_dict())


@pytest.mark.parametrize("taps", [(), (0, 4), (4, 1), (3, 13)])
def test_impossible_taps_are_refused(taps):
    with pytest.raises(ValueError, match="taps must be blocks from 1 to 4 in ascending order"):
        ViT(PLAIN, **(NARROW | {"taps": taps}))


def test_sam_takes_no_size():
    with pytest.raises(TypeError, match="size"):
        SAM(SAM_NAME, **NARROW, size=(64, 96))


@pytest.mark.parametrize("name", [PLAIN, CLIP, DINO, DINOV2, SAM_NAME])
def test_name_has_weights_on_the_hub(name):
    assert timm.get_pretrained_cfg(name).hf_hub_id == f"timm/{name}"
