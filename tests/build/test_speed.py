"""What is faster on a GPU is chosen there alone, and computes the same."""

import copy

import pytest
import torch
from tiny import SIZE

import mtl
from mtl import build
from mtl.build.trainer import build_optimizer, speed_up
from mtl.weighters import AvgNorm

CPU, GPU = torch.device("cpu"), torch.device("cuda")


def model_of(cfg):
    torch.manual_seed(0)
    return build.build_model(cfg, build.build_tasks(cfg))


@pytest.mark.parametrize(
    ("words", "device", "layout"),
    [
        (["recipe.precision=bfloat16"], GPU, torch.channels_last),
        (["recipe.precision=tf32"], GPU, torch.channels_last),
        ([], GPU, torch.contiguous_format),
        (["recipe.precision=bfloat16"], CPU, torch.contiguous_format),
    ],
)
def test_images_are_laid_out_for_tensor_cores_where_they_are_used(words, device, layout):
    cfg = build.compose([*SIZE, *words])
    model = model_of(cfg)
    speed_up(model, cfg, device)
    assert model.layout == layout


@pytest.mark.parametrize("scope", ["features", "last_layer", "shared"])
def test_layout_changes_no_gradient_and_gradients_are_laid_out_as_their_parameters(scope):
    plain = model_of(build.compose(SIZE)).double()
    model, image = copy.deepcopy(plain), torch.randn(2, 3, 32, 48, dtype=torch.float64)
    model.layout = torch.channels_last
    assert model.encode(image)[0].is_contiguous(memory_format=torch.channels_last)
    for each in (plain, model):
        features = mtl.cut(each.encode(image), 4)
        losses = [prediction.square().mean() for prediction in each.decode(features, (32, 48)).final.values()]
        mtl.backward(losses, features, AvgNorm(4), scope=scope, last_layer=each.last_layer)
    for ours, theirs in zip(model.parameters(), plain.parameters(), strict=True):
        torch.testing.assert_close(ours.grad, theirs.grad)
        assert ours.grad.stride() == ours.stride()


@pytest.mark.parametrize(
    ("words", "device", "fused"),
    [
        ([], GPU, True),
        ([], CPU, None),
        (["+recipe.optimizer.fused=false"], GPU, False),
        (["recipe.optimizer._target_=torch.optim.RMSprop"], GPU, None),
        (["recipe=vit"], GPU, True),
    ],
)
def test_optimizer_is_fused_on_a_gpu(words, device, fused):
    cfg = build.compose([*SIZE, *words])
    optimizer = build_optimizer(cfg, [{"params": list(model_of(cfg).parameters())}], device)
    assert optimizer.defaults.get("fused") is fused


def test_words_of_precision_and_compilation_name_runs_of_their_own():
    names = {
        word: build.run_folder(build.compose([*SIZE, *word])).parent.name
        for word in ((), ("recipe.precision=tf32",), ("recipe.compile=true",), ("recipe.compile=false",))
    }
    assert names["recipe.compile=false",] == names[()]
    assert len(set(names.values())) == 3
