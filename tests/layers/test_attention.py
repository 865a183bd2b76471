import pytest
import torch
import torch.nn.functional as F

from mtl.layers import CrossTaskAttention
from mtl.layers.attention import resize_queries

NAMES = ("semseg", "depth", "edge")


def attention(message, names=NAMES, pool=2):
    torch.manual_seed(0)
    return CrossTaskAttention(names, channels=8, num_heads=2, pool=pool, message=message).double().eval()


def tokens(height, width, names=NAMES, batch=2):
    return torch.randn(batch, len(names), height, width, 8, dtype=torch.float64)


def sequences(layer, x):
    """Queries and pooled tokens, one task after another, each row by row."""
    queries, pooled = [], []
    for index, name in enumerate(layer.reduce):
        task_map = x[:, index].permute(0, 3, 1, 2)
        queries.append(layer.reduce[name](task_map).flatten(2).mT)
        height, width, side = *task_map.shape[2:], layer.pool
        pooled += [
            task_map[:, :, i : i + side, j : j + side].mean((2, 3))[:, None]
            for i in range(0, height, side)
            for j in range(0, width, side)
        ]
    return torch.cat(queries, 1), torch.cat(pooled, 1)


def own_scores(layer, x):
    queries, pooled = sequences(layer, x)
    q, k = layer.query(queries), layer.key(pooled)
    return torch.stack([q[..., d] @ k[..., d].mT / 8**0.5 for d in (slice(0, 4), slice(4, 8))], 1)


def outputs(layer, x, scores):
    values = layer.value(sequences(layer, x)[1])
    found = torch.cat([scores[:, 0].softmax(-1) @ values[..., :4], scores[:, 1].softmax(-1) @ values[..., 4:]], -1)
    return layer.output(found)


@pytest.mark.parametrize(("height", "width"), [(4, 6), (3, 5)])
def test_coarsest_scale_equals_attention_written_out(height, width):
    layer, x = attention(message=False), tokens(height, width)
    found, scores = layer(x, None)
    expected = own_scores(layer, x)
    torch.testing.assert_close(scores.flatten(2, 4), expected)
    torch.testing.assert_close(found.flatten(1, 3), outputs(layer, x, expected))
    rows, columns = (height + 1) // 2, (width + 1) // 2
    assert found.shape == (2, 3, rows, columns, 8)
    assert scores.shape == (2, 2, 3, rows, columns, 3 * rows * columns)


def test_finer_scale_fuses_the_scores_of_the_coarser_one_before_softmax():
    coarse, fine = attention(message=False, pool=2), attention(message=True, pool=4)
    _, before = coarse(tokens(4, 6), None)  # queries on 2 x 3, keys on 2 x 3
    x = tokens(8, 12)  # queries on 4 x 6, keys on 2 x 3
    found, scores = fine(x, before)

    message = []
    for task in range(len(NAMES)):
        maps = before[:, :, task].permute(0, 1, 4, 2, 3).flatten(0, 1)  # a map of queries for each head and key
        finer = F.interpolate(maps, scale_factor=2, mode="bilinear", align_corners=False)
        message.append(finer.flatten(2).mT.unflatten(0, (2, 2)))
    heads = torch.cat([own_scores(fine, x), torch.cat(message, 2)], 1)  # [B, 2 + 2, L, P]
    mixing, bias = fine.fuse.weight[:, :, 0, 0], fine.fuse.bias
    expected = torch.stack([sum(w * h for w, h in zip(row, heads.unbind(1), strict=True)) for row in mixing], 1)
    expected = expected + bias[:, None, None]
    torch.testing.assert_close(scores.flatten(2, 4), expected)
    torch.testing.assert_close(found.flatten(1, 3), outputs(fine, x, expected))


def test_scores_grow_by_quarters():
    scores = torch.tensor([0.0, 4.0]).view(1, 1, 1, 1, 2, 1)
    grown = resize_queries(scores, (2, 4))
    assert grown[0, 0, 0, :, :, 0].tolist() == [[0.0, 1.0, 3.0, 4.0]] * 2


def test_tasks_ask_each_other():
    layer, x = attention(message=False), tokens(4, 4).requires_grad_()
    layer(x, None)[0][:, 0].sum().backward()
    assert all(x.grad[:, task].any() for task in range(3))


def test_single_task_asks_itself():
    layer, x = attention(message=False, names=("edge",)), tokens(4, 4, names=("edge",))
    found, scores = layer(x, None)
    torch.testing.assert_close(found.flatten(1, 3), outputs(layer, x, own_scores(layer, x)))
    assert scores.shape[-1] == 4
