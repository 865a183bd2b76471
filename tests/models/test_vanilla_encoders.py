"""The plain network on every kind of encoder: shapes, gradients, the engine, mixed precision, compiled regions."""

import copy
from functools import partial

import pytest
import torch
from properties import assert_regions

import mtl
from mtl.backbones import SAM, HRNet, Pyramid, ViT
from mtl.engine.compiled import compile_regions
from mtl.heads import DeepLabHead, HRNetHead, LastTapHead, MultiTapHead
from mtl.models import Vanilla
from mtl.task import Task
from mtl.weighters import AvgNorm

CHANNELS = {"semseg": 5, "depth": 1, "normals": 3}
HRNET = {"name": "hrnet_w18_small_v2.ms_in1k", "upsample": "bilinear", "bn_momentum": 0.01}
NARROW = {"pretrained": False, "depth": 3, "embed_dim": 24, "num_heads": 2, "drop_path": 0.0, "taps": (1, 2, 3)}
MULTI_TAP = partial(MultiTapHead, stride=4)


def residual():
    narrow = {"layers": [1, 1, 1, 1], "channels": [8, 8, 16, 16]}
    return Pyramid("resnet18.tv_in1k", pretrained=False, output_stride=8, **narrow)


def sam():
    return SAM("samvit_base_patch16.sa1b", window_size=3, global_attn_indexes=(2,), img_size=128, **NARROW)


ENCODERS = {
    "resnet": (residual, partial(DeepLabHead, channels=8, dilations=(2, 4), dropout=0.0), (45, 67)),
    "hrnet": (partial(HRNet, pretrained=False, **HRNET), HRNetHead, (96, 32)),
    "vit": (partial(ViT, "vit_tiny_patch16_384", size=(64, 64), **NARROW), MULTI_TAP, (80, 48)),
    "vit_last_tap": (partial(ViT, "vit_tiny_patch16_384", **NARROW), partial(LastTapHead, channels=8), (80, 48)),
    "clip": (partial(ViT, "vit_base_patch16_clip_384", **NARROW), MULTI_TAP, (80, 48)),
    "dinov2": (partial(ViT, "vit_base_patch14_reg4_dinov2", **NARROW), MULTI_TAP, (70, 42)),
    "sam": (sam, MULTI_TAP, (80, 48)),
}


@pytest.fixture(params=ENCODERS)
def kind(request):
    return request.param


def network(kind, seed=0):
    torch.manual_seed(seed)
    backbone, head, _ = ENCODERS[kind]
    return Vanilla([Task(name, c, loss=None, metric=None) for name, c in CHANNELS.items()], backbone(), head)


def square(model, batch=2):
    """An image that the encoder's maps tile."""
    side = 56 if model.backbone.multiple == 14 else 64
    return torch.randn(batch, 3, side, side)


def losses_of(outputs):
    return [
        10.0 ** (place - 1) * (prediction - place).square().mean()
        for place, prediction in enumerate(outputs.final.values())
    ]


def one_pass(model, image, scope):
    features = mtl.cut(model.encode(image), len(CHANNELS))
    losses = losses_of(model.decode(features, tuple(image.shape[-2:])))
    return mtl.backward(losses, features, AvgNorm(len(CHANNELS)), scope=scope, last_layer=model.last_layer)


def gradients(model):
    return {name: parameter.grad for name, parameter in model.named_parameters()}


def assert_alike(ours, theirs, tolerance):
    assert ours.keys() == theirs.keys()
    floor = 1e-3 * tolerance * max(gradient.norm() for gradient in theirs.values())  # of a bias before BatchNorm: 0
    for name, expected in theirs.items():
        assert (ours[name] - expected).norm() <= tolerance * expected.norm() + floor, name


@pytest.mark.parametrize("batch", [1, 2])
def test_every_task_is_predicted_at_the_size_of_the_image(kind, batch):
    size = ENCODERS[kind][2]
    outputs = network(kind).eval()(torch.randn(batch, 3, *size))
    assert {name: tuple(p.shape) for name, p in outputs.final.items()} == {
        name: (batch, channels, *size) for name, channels in CHANNELS.items()
    }


def test_prediction_of_an_image_does_not_depend_on_its_batch(kind):
    model = network(kind).eval()
    image = square(model)
    together, alone = model(image).final, model(image[:1]).final
    for name, prediction in alone.items():
        assert (together[name][:1] - prediction).abs().max() < 1e-4 * prediction.abs().max()


def test_every_parameter_gets_a_gradient(kind):
    model = network(kind)
    sum(losses_of(model(square(model)))).backward()
    assert all(gradient is not None for gradient in gradients(model).values())
    silent = {name for name, gradient in gradients(model).items() if not gradient.any()}
    assert {name.partition("mix")[2] for name in silent} <= {".0.bias"}  # before BatchNorm it has no effect


def test_shared_and_task_parameters_cover_the_network_exactly_once(kind):
    model = network(kind)
    parts = [model.shared_parameters(), *(model.task_parameters(name) for name in CHANNELS)]
    listed = [id(parameter) for part in parts for parameter in part]
    assert sorted(listed) == sorted(id(parameter) for parameter in model.parameters())
    assert any(model.last_layer is parameter for parameter in model.shared_parameters())


@pytest.mark.parametrize("scope", ["features", "last_layer", "shared"])
def test_engine_gives_the_gradient_of_the_weighted_losses(kind, scope):
    model = network(kind).double()
    reference, image = copy.deepcopy(model), square(model).double()
    weights = one_pass(model, image, scope).weights
    sum(w * loss for w, loss in zip(weights, losses_of(reference(image)), strict=True)).backward()
    assert torch.isfinite(weights).all()
    assert weights.max() > 2 * weights.min()
    assert_alike(gradients(model), gradients(reference), tolerance=1e-6)


def test_bfloat16_stays_close_to_single_precision(kind):
    model = network(kind)
    low, image = copy.deepcopy(model), square(model, batch=4)
    weights = one_pass(model, image, "last_layer").weights
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert all(p.dtype == torch.bfloat16 for p in low(image).final.values())
        low_weights = one_pass(low, image, "last_layer").weights
    assert low_weights.dtype == torch.float32
    assert torch.allclose(low_weights, weights, rtol=0.3)
    assert all(torch.isfinite(gradient).all() for gradient in gradients(low).values())
    ours, theirs = (m.heads["depth"].output.weight.grad / w[1] for m, w in ((low, low_weights), (model, weights)))
    assert torch.nn.functional.cosine_similarity(ours.flatten(), theirs.flatten(), dim=0) > 0.95


def test_regions_to_compile_belong_to_the_encoder_or_to_one_task(kind):
    model = network(kind)
    assert_regions(model, square(model))


@pytest.mark.slow
@pytest.mark.filterwarnings("default")  # the compiler looks at .grad of tensors that are no leaves
@pytest.mark.parametrize("kind", ["resnet", "hrnet", "vit", "sam"])
def test_compiled_regions_train_the_same_network(kind, tmp_path, monkeypatch):
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", str(tmp_path))
    eager = network(kind).double()  # in single precision, rounding grows to a percent in deep networks
    compiled, image = copy.deepcopy(eager), square(eager).double()
    compile_regions(compiled)
    optimizers = [torch.optim.SGD(model.parameters(), lr=1e-3) for model in (eager, compiled)]
    for scope in ("features", "last_layer", "shared"):
        expected, weights = one_pass(eager, image, scope).weights, one_pass(compiled, image, scope).weights
        assert torch.allclose(weights, expected, rtol=1e-6), scope
        assert_alike(gradients(compiled), gradients(eager), tolerance=1e-6)
        for optimizer in optimizers:
            optimizer.step()
            optimizer.zero_grad()
    final = compiled.eval()(image).final
    for name, prediction in eager.eval()(image).final.items():
        assert torch.allclose(final[name], prediction, rtol=1e-6)
