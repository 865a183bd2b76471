import pytest
import torch
import torch.nn.functional as F
from narrow import SIZE, narrow, vit
from properties import NYUD, PASCAL, assert_ownership, assert_regions, published, size_of

from mtl import build
from mtl.backbones import Prompted
from mtl.models.task_prompter import PromptedFeatures, selected

SMALL = ["dataset.height=448", "dataset.width=576"]
LARGE = ["dataset.height=512", "dataset.width=512", "dataset=rooms_pascal"]
TINY = ["backbone=vit_tiny", "model.network.embedding=192", "model.network.width=192"]


@pytest.mark.parametrize(
    ("word", "channels", "words", "channels_of_a_token", "pixels", "size", "heads"),
    [
        ("taskprompter", NYUD, SMALL, 192, 1008, 19_957_293, 1_338_093),
        ("taskprompter", {"semseg": 40}, SMALL, 192, 1008, 12_749_416, 340_072),
        ("taskprompter_nyud", NYUD, SMALL, 768, 1008, 258_509_421, 21_277_485),
        ("taskprompter_pascal", PASCAL, [*LARGE, *TINY], 192, 1024, 22_434_593 + 193, 1_668_129 + 193),
        ("taskprompter_pascal", PASCAL, LARGE, 768, 1024, 371_096_084 + 47_235_105 + 1025, 47_236_130),
    ],  # saliency has one more output than there
)
def test_network_has_the_published_size_without_what_is_never_used(
    word, channels, words, channels_of_a_token, pixels, size, heads
):
    model = published(word, channels, *words)
    unused = channels_of_a_token + (pixels + 1) * channels_of_a_token  # a position, and a layer to channels
    assert size_of(model) + unused == size
    assert heads == size_of(model.heads)


def written_out(model, image: torch.Tensor) -> list[list[torch.Tensor]]:
    """Patches and similarities at every tap, one head, window and prompt at a time."""
    encoder, body = model.backbone, model.backbone.body
    tasks, heads = len(model.task_names), encoder.heads
    x = torch.cat([encoder.prompts.repeat(len(image), 1, 1), body.patch_embed(image).flatten(1, 2) + body.pos_embed], 1)
    found = []
    for outer in body.blocks:
        block, n = outer.block, outer.block.norm1(x)
        q, k, v = block.attn.qkv(n).chunk(3, dim=-1)
        parts, scores = [], []
        for a, b, c in zip(q.chunk(heads, -1), k.chunk(heads, -1), v.chunk(heads, -1), strict=True):
            products = a @ b.mT
            parts.append((products / a.shape[-1] ** 0.5).softmax(-1) @ c)
            scores.append(products[:, :tasks])
        attended = block.attn.proj(torch.cat(parts, -1))
        spread = outer.spread(n[:, :tasks])
        if outer.gather is not None:
            attended[:, :tasks] += outer.gather(spread)
        x = x + attended
        x = x + block.mlp(block.norm2(x))
        rows, columns = encoder.grid
        maps, grid = n[:, tasks:].mT.reshape(len(image), -1, rows, columns), spread.reshape(-1, tasks, rows, columns)
        high, wide = rows // encoder.windows, columns // encoder.windows
        windows = []
        for i in range(encoder.windows):
            for j in range(encoder.windows):
                place = (..., slice(i * high, (i + 1) * high), slice(j * wide, (j + 1) * wide))
                windows.append(torch.einsum("bchw,bthw->btc", maps[place], grid[place]))
        found.append([torch.stack(scores, 1), torch.stack(windows, 1), x[:, tasks:]])
    found[-1][2] = body.norm(found[-1][2])
    return found


def test_encoder_equals_the_one_written_out():
    model, image = narrow("taskprompter", NYUD).double().eval(), torch.randn(2, 3, *SIZE).double()
    with torch.no_grad():
        maps = model.encode(image)
        for tap, (space, channel, patches) in enumerate(written_out(model, image)):
            torch.testing.assert_close(maps[tap], space)
            torch.testing.assert_close(maps[4 + tap], channel)
            torch.testing.assert_close(maps[8 + tap].flatten(2).mT, patches)


def test_similarities_weight_channels_by_head_and_pixels_by_window():
    patches = torch.arange(1.0, 17.0).view(1, 4, 2, 2)  # a window per pixel, two heads of two channels
    space = torch.tensor([[[0.0, 1.0, 2.0, 3.0], [-1.0, 0.0, 0.0, 0.5]]])
    channel = torch.tensor([[[0.0, 1.0, 0.0, 2.0], [1.0, 0.0, 0.0, 0.0], [0.0, 0.0, -1.0, 0.0], [0.0, 0.0, 0.0, 3.0]]])
    by_pixel, by_channel = selected(patches, space, channel, windows=2)
    assert by_pixel[0].flatten(1).tolist() == [[1, 4, 9, 16], [5, 12, 21, 32], [0, 10, 11, 18], [0, 14, 15, 24]]
    assert by_channel[0].flatten(1).tolist() == [[1, 4, 3, 4], [10, 6, 7, 8], [9, 10, 0, 12], [39, 14, 15, 64]]


def test_window_holds_its_rows_and_columns():
    channel = torch.arange(4.0).view(1, 4, 1)
    _, found = selected(torch.ones(1, 1, 4, 6), torch.zeros(1, 1, 24), channel, windows=2)
    assert found[0, 0].tolist() == [[1, 1, 1, 2, 2, 2]] * 2 + [[3, 3, 3, 4, 4, 4]] * 2


@torch.no_grad()
def test_features_of_a_task_by_hand():
    torch.manual_seed(0)
    block = PromptedFeatures(4, embedding=3, width=5, windows=2).double()
    x, space, channel = (torch.randn(2, *shape).double() for shape in ((4, 2, 6), (2, 12), (4, 4)))
    by_pixel, by_channel = x.clone(), x.clone()
    for head in range(2):  # its two channels
        by_pixel[:, 2 * head : 2 * head + 2] += x[:, 2 * head : 2 * head + 2] * space[:, head].view(2, 1, 2, 6)
    for window in range(4):  # one row of three pixels
        place = (..., slice(window // 2, window // 2 + 1), slice(3 * (window % 2), 3 * (window % 2) + 3))
        by_channel[place] += x[place] * channel[:, window, :, None, None]
    both = [F.conv2d(by_pixel, *block.space.parameters()), F.conv2d(by_channel, *block.channel.parameters())]
    mixed = F.conv2d(F.conv2d(torch.cat(both, 1), *block.mix[0].parameters()), *block.mix[1].parameters(), padding=1)
    mean, variance = mixed.mean((0, 2, 3), keepdim=True), mixed.var((0, 2, 3), keepdim=True, unbiased=False)
    expected = F.conv2d(F.gelu((mixed - mean) / (variance + 1e-5).sqrt()), *block.mix[4].parameters())
    torch.testing.assert_close(block(x, space, channel), expected)


@pytest.mark.parametrize("word", ["taskprompter", "taskprompter_pascal"])
@torch.no_grad()
def test_decoder_by_hand(word):
    channels = {"semseg": 5, "normals": 3, "edge": 1}
    model, image = narrow(word, channels).eval(), torch.randn(2, 3, *SIZE)
    maps, outputs = model.encode(image), model(image).final
    for task, name in enumerate(channels):
        total = 0
        for tap in range(4):
            space, channel, patches = maps[tap], maps[4 + tap], maps[8 + tap]
            found = [
                model.features[other][tap](patches, space[:, :, s, 3:], channel[:, :, s])
                for s, other in enumerate(channels)
            ]
            if word == "taskprompter":
                total = total + found[task]
                continue
            weights = [model.reweight[name][tap](space[:, :, task, s]) for s in range(3)]  # [B, 1] each
            total = total + sum(w[:, :, None, None] * f for w, f in zip(weights, found, strict=True))
        larger = F.interpolate(total, scale_factor=4, mode="bilinear")
        torch.testing.assert_close(outputs[name], F.interpolate(model.heads[name](larger), SIZE, mode="bilinear"))


@pytest.mark.parametrize(("word", "foreign"), [("taskprompter", ()), ("taskprompter_pascal", ("features.",))])
def test_tasks_reach_each_others_features_only_if_they_read_them(word, foreign):
    assert_ownership(narrow(word, NYUD), torch.randn(2, 3, *SIZE), foreign=foreign)


def test_prompts_start_around_one():
    prompts = published("taskprompter", NYUD, *SMALL).backbone.prompts
    assert prompts.shape == (1, 4, 192)
    values = Prompted(vit()[0], num_tasks=40, windows=4).prompts
    assert values.mean().item() == pytest.approx(1, abs=0.2)
    assert values.std().item() == pytest.approx(1, abs=0.2)


def test_pretrained_position_of_the_class_token_is_dropped():
    cfg = build.compose(["model=taskprompter", "subset=depth", "backbone.pretrained=false", *SMALL])
    encoder = build.build_model(cfg, build.build_tasks(cfg)).backbone
    assert encoder.body.pos_embed.shape == (1, 1008, 192)
    assert not any("cls_token" in name for name, _ in encoder.named_parameters())


def test_foundation_models_are_compared_with_the_deepest_patches():
    model = narrow("taskprompter", {"depth": 1})
    assert model.paths(2) == [[-1], [-1]]
    maps = model.encode(torch.randn(1, 3, *SIZE))
    assert maps[-1].shape == (1, model.backbone.channels[-1], *model.backbone.grid)


def test_regions_to_compile():
    assert_regions(narrow("taskprompter", {"depth": 1, "edge": 1}), torch.randn(2, 3, *SIZE))


@pytest.mark.parametrize(
    ("words", "line"),
    [
        ([], r"grid of 4 x 6 patches .* 4 x 4 windows: use dataset.height and dataset.width that are multiples of 64"),
        (["backbone=resnet18"], "model=taskprompter needs a plain vision transformer with a class token"),
        (["backbone=vit_base_sam"], "use backbone=vit_tiny or vit_base"),
        (["backbone=vit_base_dinov2", "dataset.height=56", "dataset.width=56"], "use backbone=vit_tiny or vit_base"),
    ],
)
def test_encoder_that_does_not_fit_is_refused(words, line):
    cfg = build.compose(["model=taskprompter", "backbone.pretrained=false", "subset=depth", *words])
    with torch.device("meta"), pytest.raises(Exception, match=line):
        build.build_model(cfg, build.build_tasks(cfg))


def test_image_of_another_size_is_refused():
    with pytest.raises(ValueError, match="image of 64 x 64: this network only takes images of 32 x 64"):
        narrow("taskprompter", {"depth": 1}).encode(torch.randn(1, 3, 64, 64))
