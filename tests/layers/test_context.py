import json
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F

from mtl.layers import ContextBlock
from mtl.layers.context import CONTEXTS, global_attention, label_attention, label_context, local_attention

GOLDEN = Path(__file__).parents[1] / "golden" / "layers" / "atrc_context__atrc.json"
CASES = json.loads(GOLDEN.read_text())["cases"]


def tensors(numbers):
    return {key: torch.tensor(value, dtype=torch.float64) for key, value in numbers.items() if isinstance(value, list)}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["id"])
def test_attention_is_that_of_the_reference(case):
    given, expected = tensors(case), tensors(case["expected"])
    context = label_context(given["logits"], given["source"])
    found = {
        "global_context": global_attention(given["query"], given["key"], given["value"]),
        "spatial_probabilities": given["logits"].flatten(2).softmax(2),
        "label_context": context,
        "label_attention": label_attention(given["query"], context, context),
    }
    for name, numbers in expected.items():
        torch.testing.assert_close(found[name], numbers, rtol=1e-9, atol=1e-12)


def maps(*rows):
    """A map of one image with one row of pixels, from the values of each channel."""
    return torch.tensor(rows, dtype=torch.float64)[None, :, None]


def test_global_by_hand():
    query, key = maps([1, 1], [2, 2]), maps([1, 1], [0, 1])
    value = maps([3, 6], [0, 0])
    assert global_attention(query, key, value)[0, 0, 0].tolist() == [5.25, 5.25]  # (1 * 3 + 3 * 6) / 4


def test_context_of_a_label_by_hand():
    logits = maps([0, torch.tensor(3.0).log()])
    assert label_context(logits, maps([4, 8])).item() == pytest.approx(7)


def test_local_is_attention_in_a_window_with_zeros_outside():
    torch.manual_seed(0)
    query, key, value = torch.randn(3, 2, 4, 5, 6, dtype=torch.float64)
    keys, values = (F.unfold(x, 3, padding=1).unflatten(1, (4, 9)) for x in (key, value))  # [B, A, 9, HW]
    shares = (query.flatten(2)[:, :, None] * keys).sum(1).div(2).softmax(1)  # [B, 9, HW]
    expected = (shares[:, None] * values).sum(2).view_as(query)
    torch.testing.assert_close(local_attention(query, key, value, window=3), expected)


@pytest.mark.parametrize("context", CONTEXTS[1:])
def test_block_has_its_size_and_a_gradient_everywhere(context):
    torch.manual_seed(0)
    block = ContextBlock(67, 33, context)
    assert sum(p.numel() for p in block.parameters()) == 9_141
    found = block(torch.randn(2, 67, 6, 8), torch.randn(2, 67, 6, 8), torch.randn(2, 5, 6, 8))
    found.square().sum().backward()
    assert found.shape == (2, 33, 6, 8)
    assert all(parameter.grad.any() for parameter in block.parameters())


@pytest.mark.parametrize("context", CONTEXTS[1:])
def test_gradient_of_two_images_is_the_sum_of_that_of_each(context):
    torch.manual_seed(0)
    block = ContextBlock(6, 3, context).double().eval()  # torch misreads some gradients of one image: see `ordered`
    images = torch.randn(2, 18, 4, 5, dtype=torch.float64)
    gradients = []
    for parts in ([images], images.split(1)):
        block.zero_grad()
        for part in parts:
            block(*part.chunk(3, dim=1)).square().sum().backward()
        gradients.append([parameter.grad for parameter in block.parameters()])
    torch.testing.assert_close(*gradients, rtol=1e-9, atol=1e-12)


def test_half_precision_attends_in_float32():
    block = ContextBlock(6, 3, "global")
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert block(torch.randn(2, 6, 4, 4), torch.randn(2, 6, 4, 4)).dtype == torch.float32
