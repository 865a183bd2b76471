import torch
import torch.nn.functional as F

from mtl.layers import Distillation


def features(names, channels=4):
    torch.manual_seed(0)
    return {name: torch.randn(2, channels, 5, 7) for name in names}


def test_message_by_hand():
    """One channel, one pixel: only the middle of each kernel counts."""
    layer = Distillation(["a", "b"], 1)
    with torch.no_grad():
        for weight in layer.parameters():
            weight.zero_()
        layer.messages["a"]["b"].weight[:, 0, 1, 1] = torch.tensor([3.0, -2.0])  # message, then gate
    found = layer({"a": torch.full((1, 1, 1, 1), 10.0), "b": torch.full((1, 1, 1, 1), 0.5)})
    torch.testing.assert_close(found["a"].item(), 10 + 1.5 * torch.sigmoid(torch.tensor(-1.0)).item())
    assert found["b"].item() == 0.5


def test_each_pair_of_tasks_has_convolutions_of_its_own():
    names = ["a", "b", "c"]
    layer, found = Distillation(names, 4), features(names)
    for name, distilled in layer(found).items():
        expected = found[name]
        for sender in names:
            if sender != name:
                message, gate = layer.messages[name][sender].weight.chunk(2)
                x = found[sender]
                expected = expected + F.conv2d(x, message, padding=1) * F.conv2d(x, gate, padding=1).sigmoid()
        torch.testing.assert_close(distilled, expected)
    assert sum(p.numel() for p in layer.parameters()) == 6 * 2 * 9 * 4 * 4


def test_single_task_distils_itself():
    layer, found = Distillation(["a"], 4), features(["a"])
    message, gate = layer.messages["a"]["a"].weight.chunk(2)
    x = found["a"]
    expected = x + F.conv2d(x, message, padding=1) * F.conv2d(x, gate, padding=1).sigmoid()
    torch.testing.assert_close(layer(found)["a"], expected)
