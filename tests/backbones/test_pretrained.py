import logging
import re

import pytest
import safetensors.torch
import timm
import torch
from torch import nn

from mtl.backbones import SAM, HRNet, Pyramid, ViT, pretrained

RESNET = {"layers": [1, 1, 1, 1], "channels": [8, 12, 16, 20]}
VIT = {"depth": 2, "embed_dim": 24, "num_heads": 2}
PLAIN, SAM_NAME = "vit_tiny_patch16_384.augreg_in21k_ft_in1k", "samvit_base_patch16.sa1b"


def pyramid(**options):
    return Pyramid("resnet18.tv_in1k", output_stride=8, **RESNET, **options)


def vit(**options):
    return ViT(PLAIN, taps=(1, 2), drop_path=0.0, **VIT, **options)


def sam(**options):
    return SAM(SAM_NAME, taps=(1, 2), drop_path=0.0, img_size=64, window_size=2, **VIT, **options)


def hrnet(**options):
    return HRNet("hrnet_w18_small_v2.ms_in1k", upsample="bilinear", bn_momentum=0.01, **options)


CASES = {
    "resnet": (pyramid, lambda: timm.create_model("resnet18.tv_in1k", **RESNET)),
    "vit": (vit, lambda: timm.create_model(PLAIN, **VIT)),
    "sam": (sam, lambda: timm.create_model(SAM_NAME, img_size=64, window_size=2, **VIT)),
    "hrnet": (hrnet, lambda: timm.create_model("hrnet_w18_small_v2.ms_in1k")),
}


def seeded(make, seed=1):
    torch.manual_seed(seed)
    return make()


@pytest.fixture(params=CASES)
def case(request):
    """The encoder, and the whole network it is a part of, including the classifier, with other weights."""
    make, whole = CASES[request.param]
    return make, seeded(whole).state_dict()


def save(state, path):
    (safetensors.torch.save_file if path.suffix == ".safetensors" else torch.save)(state, path)
    return path


@pytest.mark.parametrize("suffix", [".safetensors", ".pth"])
def test_file_of_the_whole_network_gives_every_weight_of_the_encoder(case, tmp_path, suffix):
    make, state = case
    backbone = make(pretrained=False, checkpoint=save(state, tmp_path / f"w{suffix}"))
    own = backbone.body.state_dict()
    assert own
    assert all(torch.equal(value, state[key]) for key, value in own.items())


def test_file_of_the_encoder_alone_is_enough(tmp_path):
    state = pyramid(pretrained=False).body.state_dict()
    backbone = pyramid(pretrained=False, checkpoint=save(state, tmp_path / "w.pth"))
    assert all(torch.equal(value, state[key]) for key, value in backbone.body.state_dict().items())


def test_weights_of_an_older_torch_have_no_counters(tmp_path):
    state = {k: v for k, v in pyramid(pretrained=False).body.state_dict().items() if "num_batches" not in k}
    pyramid(pretrained=False, checkpoint=save(state, tmp_path / "w.pth"))


def test_missing_weight_is_an_error(case, tmp_path):
    make, state = case
    key = next(key for key in state if key.endswith("weight"))
    del state[key]
    with pytest.raises(ValueError, match=rf"w.pth does not hold the weights .* 1 missing \({re.escape(key)}\)$"):
        make(pretrained=False, checkpoint=save(state, tmp_path / "w.pth"))


def test_unknown_weight_is_an_error(case, tmp_path):
    make, state = case
    with pytest.raises(ValueError, match=r"1 unknown \(layer9.weight\)$"):
        make(pretrained=False, checkpoint=save(state | {"layer9.weight": torch.zeros(1)}, tmp_path / "w.pth"))


def test_weight_of_another_shape_is_an_error(tmp_path):
    state = pyramid(pretrained=False).body.state_dict()
    state["conv1.weight"] = state["conv1.weight"][:4]
    with pytest.raises(ValueError, match=r"1 missing \(conv1.weight of shape \[64, 3, 7, 7\], found \[4, 3, 7, 7\]\)"):
        pyramid(pretrained=False, checkpoint=save(state, tmp_path / "w.pth"))


def test_weights_of_another_network_are_counted_and_only_a_few_named(tmp_path):
    state = timm.create_model(PLAIN, **VIT).state_dict()
    with pytest.raises(ValueError, match=r"\d\d missing \(.*, \.\.\.\); \d\d unknown \(.*, \.\.\.\)") as refused:
        pyramid(pretrained=False, checkpoint=save(state, tmp_path / "w.pth"))
    assert len(str(refused.value)) < 400


def test_position_embedding_of_another_grid_is_resampled_by_timm(tmp_path):
    state = timm.create_model(PLAIN, img_size=224, **VIT).state_dict()
    backbone = vit(pretrained=False, checkpoint=save(state, tmp_path / "w.pth"), size=(224, 224))
    assert backbone.body.pos_embed.shape == state["pos_embed"].shape
    assert torch.equal(backbone.body.blocks[1].mlp.fc2.weight, state["blocks.1.mlp.fc2.weight"])


def test_foreign_names_that_timm_can_translate_are_read(tmp_path):
    state = timm.create_model(SAM_NAME, img_size=64, window_size=2, **VIT).state_dict()
    foreign = {f"image_encoder.{key.replace('mlp.fc', 'mlp.lin')}": value for key, value in state.items()}
    foreign["mask_decoder.weight"] = torch.zeros(1)
    backbone = sam(pretrained=False, checkpoint=save(foreign, tmp_path / "w.pth"))
    assert torch.equal(backbone.last_layer, state["blocks.1.mlp.fc2.weight"])


class Harmful:
    def __reduce__(self):
        return exec, ("raise SystemExit('code of the file ran')",)


@pytest.mark.parametrize("suffix", [".safetensors", ".pth"])
def test_damaged_file_is_named(tmp_path, suffix):
    path = tmp_path / f"w{suffix}"
    path.write_bytes(b"no weights at all")
    with pytest.raises(ValueError, match=f"backbone.checkpoint={path}: damaged"):
        pyramid(pretrained=False, checkpoint=path)


def test_code_in_a_file_does_not_run(tmp_path):
    torch.save({"conv1.weight": Harmful()}, tmp_path / "w.pth")
    with pytest.raises(ValueError, match="holds more than weights"):
        pyramid(pretrained=False, checkpoint=tmp_path / "w.pth")


def test_missing_file_is_named(tmp_path):
    with pytest.raises(ValueError, match=f"backbone.checkpoint={tmp_path}/w.pth: no such file"):
        pyramid(pretrained=False, checkpoint=tmp_path / "w.pth")


def test_weights_are_fetched_by_the_exact_name(monkeypatch):
    asked, state = [], seeded(CASES["resnet"][1]).state_dict()
    monkeypatch.setattr(
        pretrained,
        "load_state_dict_from_hf",
        lambda *words, weights_only: asked.append((*words, weights_only)) or state,
    )
    backbone = pyramid(pretrained=True)
    assert asked == [("timm/resnet18.tv_in1k", "model.safetensors", True)]
    assert torch.equal(backbone.last_layer, state["layer4.0.conv2.weight"])


def test_name_that_timm_does_not_know_gives_one_line():
    with pytest.raises(ValueError, match=re.escape("timm has no weights of resnet17: give backbone.checkpoint=FILE")):
        pretrained.fetch("resnet17")


def test_file_is_taken_instead_of_the_hub(monkeypatch, tmp_path):
    monkeypatch.setattr(pretrained, "load_state_dict_from_hf", None)
    path = save(pyramid(pretrained=False).body.state_dict(), tmp_path / "w.pth")
    pyramid(pretrained=True, checkpoint=path)


def test_without_a_network_one_line_says_what_to_fetch_and_where_to_put_it(monkeypatch, caplog):
    def offline(*_, **__):
        logging.getLogger("huggingface_hub").warning("attempt failed")
        raise FileNotFoundError("please check your connection")

    monkeypatch.setattr(pretrained, "load_state_dict_from_hf", offline)
    with pytest.raises(ConnectionError) as refused:
        pyramid(pretrained=True)
    line = str(refused.value)
    assert "\n" not in line
    assert "https://huggingface.co/timm/resnet18.tv_in1k/resolve/main/model.safetensors" in line
    assert "backbone.checkpoint=FILE" in line
    assert "backbone.pretrained=false" in line
    assert not caplog.records
    assert logging.getLogger("huggingface_hub").isEnabledFor(logging.WARNING)


def test_untrained_network_asks_nobody(monkeypatch):
    monkeypatch.setattr(pretrained, "load_state_dict_from_hf", None)
    pyramid(pretrained=False)


def test_name_without_weights_is_refused():
    with pytest.raises(ValueError, match="timm has no weights of samvit_base_patch16_224"):
        SAM("samvit_base_patch16_224", pretrained=True, taps=(1, 2), drop_path=0.0, **VIT)


def test_unknown_tag_is_refused_with_those_there_are():
    with pytest.raises(ValueError, match=r"no weights 'resnet18.tv_in2k': use a tag of .*tv_in1k"):
        Pyramid("resnet18.tv_in2k", pretrained=False, output_stride=8)


def test_unknown_name_is_refused_with_those_like_it():
    with pytest.raises(ValueError, match=r"no model 'vit_tinny_patch16_384': did you mean vit_tiny_patch16_384"):
        ViT("vit_tinny_patch16_384", pretrained=False, taps=(1,), drop_path=0.0)


def test_random_draws_are_the_same_with_weights_and_without(tmp_path):
    path = save(pyramid(pretrained=False).body.state_dict(), tmp_path / "w.pth")
    draws = []
    for checkpoint in (None, path):
        torch.manual_seed(0)
        pyramid(pretrained=False, checkpoint=checkpoint)
        draws.append(nn.Linear(2, 2).weight)
    assert torch.equal(*draws)
