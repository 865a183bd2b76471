import pytest
import timm
import torch
import torch.nn.functional as F
from properties import assert_regions

import mtl
from mtl import build
from mtl.backbones import Backbone, Pyramid
from mtl.models import InvPT
from mtl.models.invpt_aggregation import Aggregation
from mtl.task import Task
from mtl.weighters import AvgNorm, Fixed

NYUD = {"semseg": 40, "depth": 1, "normals": 3, "edge": 1}
PASCAL = {"semseg": 21, "human_parts": 7, "normals": 3, "saliency": 2, "edge": 1}
REPLICA = {"semseg": 101, "depth": 1, "normals": 3}
PAIR = {"semseg": 4, "depth": 1}
PUBLISHED = {"channels": 512, "widths": [576, 288, 144], "num_heads": 2, "mlp_ratio": 4, "init_std": 0.02}
NARROW = {"channels": 8, "widths": [16, 8, 4], "num_heads": 2, "mlp_ratio": 2, "init_std": 0.2}


class Transformer(Backbone):
    """Four taps of a vision transformer of four narrow blocks."""

    multiple = 16

    def __init__(self):
        super().__init__()
        options = {"embed_dim": 8, "depth": 4, "num_heads": 2, "num_classes": 0}
        # timm would resample positions for another size, in float32
        self.body = timm.create_model("vit_tiny_patch16_224", img_size=(64, 80), dynamic_img_size=True, **options)
        self.channels, self.strides = [8] * 4, [16] * 4

    def forward(self, image):
        *taps, last = self.body.forward_intermediates(image, indices=4, intermediates_only=True)
        return [*taps, self.body.norm(last.movedim(1, -1)).movedim(-1, 1)]

    @property
    def last_layer(self):
        return self.body.blocks[-1].mlp.fc2.weight


class Shape(Backbone):
    """The attributes of an encoder that a decoder needs for its construction."""

    last_layer = forward = None

    def __init__(self, channels, strides=(16, 16, 16, 16)):
        super().__init__()
        self.channels, self.strides = [channels] * len(strides), list(strides)


def tasks(channels, bias=0.0):
    return [Task(name, number, loss=None, metric=None, bias=bias) for name, number in channels.items()]


def small(channels, seed=0):
    torch.manual_seed(seed)
    return InvPT(tasks(channels), Transformer(), **NARROW)


def losses(outputs):
    """One scalar per task, of the final and the preliminary prediction; the scales of the tasks differ."""
    terms = [outputs.final, *outputs.auxiliary]
    names = enumerate(outputs.final)
    return [10.0**i * sum((term[name] - 0.1 * i).square().mean() for term in terms) for i, name in names]


@pytest.mark.parametrize(
    ("channels", "tasks_", "size"),
    [
        (192, NYUD, 36_321_678),
        (192, PASCAL, 43_868_648),
        (192, REPLICA, 28_856_342),
        (192, {"semseg": 40}, 13_617_460),
        (768, NYUD, 69_089_166),
        (768, PASCAL, 84_268_136),
        (768, REPLICA, 53_991_830),
        (768, {"semseg": 40}, 23_488_948),
    ],
)
def test_decoder_has_the_published_size_less_what_is_never_used(channels, tasks_, size):
    with torch.device("meta"):  # shapes without memory
        model = InvPT(tasks(tasks_), Shape(channels), **PUBLISHED)
    assert sum(parameter.numel() for parameter in model.parameters()) == size


@pytest.mark.parametrize("size", [(64, 96), (80, 112), (16, 48)])
@pytest.mark.parametrize("channels", [NYUD, PASCAL, {"depth": 1}], ids=len)
def test_every_task_is_predicted_twice_at_the_size_of_the_image(channels, size):
    outputs = small(channels).eval()(torch.randn(1, 3, *size))
    (early,) = outputs.auxiliary
    for term in (outputs.final, early):
        assert {name: tuple(p.shape) for name, p in term.items()} == {
            name: (1, number, *size) for name, number in channels.items()
        }
        assert list(term) == list(channels)


def test_maps_and_scores_have_the_published_sizes():
    seen, model = [], small(PAIR).eval()
    for block in model.blocks:
        block.attention.register_forward_hook(lambda _, __, found: seen.append(tuple(found[1].shape[2:])))
    model.aggregation.heads["depth"].register_forward_hook(lambda _, __, found: seen.append(tuple(found.shape[2:])))
    model(torch.randn(1, 3, 448, 576))
    assert seen == [(2, 7, 9, 126), (2, 14, 18, 126), (2, 28, 36, 126), (112, 144)]


def test_every_parameter_gets_a_gradient_and_only_constants_added_before_softmax_or_batchnorm_get_zero():
    model = small(PASCAL).double()
    sum(losses(model(torch.randn(4, 3, 64, 80, dtype=torch.float64)))).backward()
    size = {name: parameter.grad.abs().max().item() for name, parameter in model.named_parameters()}
    vanished = {name for name, value in size.items() if value < 1e-12 * max(size.values())}
    idle = {f"blocks.{i}.attention.key.bias" for i in range(3)} | {f"blocks.{i}.attention.fuse.bias" for i in (1, 2)}
    assert vanished == idle | {f"aggregation.heads.{name}.0.bias" for name in PASCAL}


@pytest.mark.parametrize("channels", [PASCAL, {"depth": 1}], ids=len)
def test_shared_joint_and_task_parameters_cover_the_network_exactly_once(channels):
    model = small(channels)
    parts = [model.shared_parameters(), model.joint_parameters(), *(model.task_parameters(name) for name in channels)]
    listed = [id(parameter) for part in parts for parameter in part]
    assert sorted(listed) == sorted(id(parameter) for parameter in model.parameters())
    assert any(model.last_layer is parameter for parameter in model.shared_parameters())


def test_loss_reaches_all_of_the_decoder_but_the_projections_and_outputs_of_other_tasks():
    model = small(NYUD)
    losses(model(torch.randn(2, 3, 64, 96)))[1].backward()
    missed = {name for name, parameter in model.named_parameters() if parameter.grad is None}
    others = [name for name in NYUD if name != "depth"]
    last = [f"aggregation.projections.{i}" for i in (0, 1)] + ["aggregation.heads"]
    expected = {
        name for name, _ in model.named_parameters() for o in others for prefix in last if f"{prefix}.{o}." in name
    }
    assert missed == expected


def step(channels, weighter=None, **options):
    """A network in float64 with the gradients of one step, and the weights it took."""
    model = small(channels).double()
    image = torch.randn(3, 3, 64, 80, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    if weighter is None:
        weights = torch.tensor(options["weights"], dtype=torch.float64)
        return model, (weights * torch.stack(losses(model(image)))).sum().backward()
    features = mtl.cut(model.encode(image), len(channels))
    found = losses(model.decode(features, (64, 80)))
    options |= {"last_layer": model.last_layer, "shared": model.shared_parameters()}
    return model, mtl.backward(found, features, weighter, **options)


@pytest.mark.parametrize("channels", [PAIR | {"edge": 1}, {"depth": 1}], ids=len)
@pytest.mark.parametrize("scope", ["features", "last_layer", "shared"])
@pytest.mark.parametrize("rule", [AvgNorm, lambda number: Fixed(number, [0.5, 3.0, 7.0][:number])], ids=["avg", "fix"])
def test_engine_gives_the_gradient_of_the_weighted_losses(rule, scope, channels):
    model, result = step(channels, rule(len(channels)), scope=scope, statistics="last_layer")
    expected, _ = step(channels, weights=result.weights.tolist())
    assert (result.weights > 0).all()
    for (name, ours), theirs in zip(model.named_parameters(), expected.parameters(), strict=True):
        torch.testing.assert_close(ours.grad, theirs.grad, rtol=1e-9, atol=1e-11, msg=lambda m, n=name: f"{n}: {m}")
    for ours, theirs in zip(model.buffers(), expected.buffers(), strict=True):
        assert torch.equal(ours, theirs)


def test_single_task_twin_is_the_network_with_one_task():
    twin, whole = small({"depth": 1}), small(PAIR)
    assert [p.shape for p in twin.shared_parameters()] == [p.shape for p in whole.shared_parameters()]
    assert [p.shape for p in twin.task_parameters("depth")] == [p.shape for p in whole.task_parameters("depth")]
    norms = [norm.normalized_shape for norm in twin.aggregation.norms]
    assert norms == [(16,), (8,), (4,)]
    features = mtl.cut(twin.encode(torch.randn(2, 3, 64, 96)), 1)
    result = mtl.backward(losses(twin.decode(features, (64, 96))), features, AvgNorm(1), scope="features")
    assert result.weights.tolist() == [1.0]
    assert all(parameter.grad is not None for parameter in twin.parameters())


def test_engine_walks_the_decoder_once_a_task_and_the_twins_once():
    for channels in (NYUD, {"depth": 1}):
        model, passes = small(channels), []
        model.blocks[0].mlp[1].weight.register_hook(passes.append)
        features = mtl.cut(model.encode(torch.randn(2, 3, 64, 96)), len(channels))
        mtl.backward(losses(model.decode(features, (64, 96))), features, AvgNorm(len(channels)), scope="features")
        assert len(passes) == len(channels)


def test_bfloat16_stays_near_float32():
    model, image = small(NYUD), torch.randn(2, 3, 64, 96)
    expected = model(image)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        features = mtl.cut(model.encode(image), len(NYUD))
        outputs = model.decode(features, (64, 96))
    for name, prediction in outputs.final.items():
        assert F.cosine_similarity(prediction.flatten().float(), expected.final[name].flatten(), dim=0) > 0.98
    mtl.backward(losses(outputs), features, AvgNorm(4), scope="features")
    assert all(torch.isfinite(parameter.grad).all() for parameter in model.parameters())


def test_aggregation_equals_norm_projection_and_sum_written_out():
    torch.manual_seed(0)
    part = Aggregation(tasks(PAIR), [6, 4, 2]).eval()
    scales = [torch.randn(1, 2, side, side, width) for side, width in ((2, 6), (4, 4), (8, 2))]
    found = part(scales)
    for index, name in enumerate(PAIR):
        total = torch.zeros(1, 6, 16, 16)
        for level, tokens in enumerate(scales):
            width = tokens.shape[-1]
            joined = part.norms[level](torch.cat([tokens[:, 0], tokens[:, 1]], -1))  # [1, H, W, 2 C]
            own = joined[..., index * width : (index + 1) * width].permute(0, 3, 1, 2)
            own = part.projections[level - 1][name](own) if level else own
            total += F.interpolate(own, size=(16, 16), mode="bilinear", align_corners=False)
        torch.testing.assert_close(found[name], part.heads[name](total))


def test_bias_of_a_task_starts_both_its_predictions():
    model = InvPT(tasks(PAIR, bias=2.6), Transformer(), **NARROW)
    for output in (model.preliminary["depth"].predict, model.aggregation.heads["depth"][-1]):
        assert output.bias.item() == pytest.approx(2.6)


def test_encoder_without_four_equal_maps_is_refused_by_name():
    resnet = Pyramid("resnet18.tv_in1k", pretrained=False, output_stride=8, layers=[1] * 4, channels=[8] * 4)
    for backbone in (resnet, Shape(8, strides=(4, 8, 16, 32))):
        with pytest.raises(ValueError, match=r"model=invpt .*strides \[.*backbone=vit_tiny"):
            InvPT(tasks(PAIR), backbone, **NARROW)


def test_size_the_backbone_cannot_take_is_refused():
    with pytest.raises(ValueError, match="multiples of 16"):
        small(PAIR)(torch.randn(1, 3, 64, 90))


def test_linear_layers_and_last_convolutions_start_with_the_given_deviation():
    torch.manual_seed(0)
    model = InvPT(tasks(PAIR), Transformer(), **NARROW | {"widths": [64, 32, 16], "init_std": 0.02})
    for layer in (model.blocks[0].mlp[1], model.blocks[0].attention.query, model.aggregation.heads["depth"][0]):
        assert layer.weight.std().item() == pytest.approx(0.02, rel=0.05)
    assert not model.blocks[0].mlp[1].bias.any()


def test_word_brings_a_vision_transformer_and_the_command_line_still_wins():
    cfg = build.compose(["model=invpt"])
    assert (cfg.backbone.name, cfg.recipe.name) == ("vit_tiny", "vit")
    assert build.compose(["model=invpt", "backbone=vit_base"]).backbone.name == "vit_base"
    with torch.device("meta"):
        model = build.build_model(cfg, build.build_tasks(cfg))
    assert model.blocks[0].norm.normalized_shape == (PUBLISHED["widths"][0],)
    cfg = build.compose(["model=invpt", "backbone=resnet_tiny"])
    with pytest.raises(ValueError, match=r"model=invpt .*backbone=vit_tiny"):
        build.build_model(cfg, build.build_tasks(cfg))


def test_regions_to_compile_belong_to_the_encoder_or_to_one_task():
    assert_regions(small(PAIR), torch.randn(2, 3, 64, 80))
