import pytest
import torch

from mtl.layers import FeaturePropagation

NAMES = ["a", "b", "c"]


def layer(names=NAMES, channels=4, **options):
    torch.manual_seed(0)
    options = {"reduction": 4, "squeeze": 2, "squeeze_bias": True, "softmax_over": "neighbours"} | options
    return FeaturePropagation(names, channels, **options).eval()


def features(names=NAMES, channels=4):
    torch.manual_seed(1)
    return {name: torch.randn(2, channels, 3, 5) for name in names}


@pytest.mark.parametrize("softmax_over", ["neighbours", "tasks"])
def test_output_in_plain_torch(softmax_over):
    module, found = layer(softmax_over=softmax_over), features()
    x = torch.cat([found[name] for name in NAMES], 1)  # channel t * 4 + c is channel c of task t
    logits = module.attention(x).exp()
    weighted = torch.empty_like(x)
    for channel in range(12):
        rivals = range(channel % 4, 12, 4) if softmax_over == "tasks" else range(channel // 3 * 3, channel // 3 * 3 + 3)
        assert channel in rivals
        weighted[:, channel] = x[:, channel] * logits[:, channel] / logits[:, list(rivals)].sum(1)
    shared = module.mix(weighted)
    for name, output in module(found).items():
        torch.testing.assert_close(output, found[name] + module.squeeze_excite[name](shared))


def test_neighbours_are_mostly_of_one_task():
    """Two tasks of two channels: the softmax weighs channels 0 and 1, both of the first task, against each other."""
    module = layer(["a", "b"], 2, reduction=2)
    with torch.no_grad():
        module.attention[2].weight.zero_()
        module.attention[2].bias.copy_(torch.tensor([2.0, 0.0, 1.0, 1.0]).log().nan_to_num(neginf=-1e9))
    seen = []
    module.mix.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    module({"a": torch.ones(1, 2, 1, 1), "b": torch.ones(1, 2, 1, 1)})
    torch.testing.assert_close(seen[0].flatten(), torch.tensor([1.0, 0.0, 0.5, 0.5]))


def test_as_many_tasks_as_channels_are_told_apart():
    found = features(["a", "b"], 2)
    one = layer(["a", "b"], 2, reduction=2)(found)["a"]
    other = layer(["a", "b"], 2, reduction=2, softmax_over="tasks")(found)["a"]
    assert not torch.allclose(one, other)


def test_attention_over_a_single_task_changes_nothing():
    module, found = layer(["a"]), features(["a"])
    torch.testing.assert_close(module(found)["a"], found["a"] + module.squeeze_excite["a"](module.mix(found["a"])))
    assert module.mix.downsample is not None


@pytest.mark.parametrize(("channels", "size"), [(36, 156_968), (72, 626_128), (144, 2_502_180)])
def test_module_has_the_published_size(channels, size):
    module = layer(["a", "b", "c", "d"], channels, squeeze=16)
    assert sum(p.numel() for p in module.parameters()) == size


def test_unknown_word_is_refused():
    with pytest.raises(ValueError, match="softmax_over=channels: use neighbours or tasks"):
        layer(softmax_over="channels")
