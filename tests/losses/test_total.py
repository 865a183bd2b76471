from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from mtl.losses import BalancedBCE, BalancedCrossEntropy, CrossEntropy, MaskedL1, NormalsL1, TotalLoss
from mtl.task import Task


class Guess(NamedTuple):
    final: dict
    auxiliary: list
    coarse: Mapping = MappingProxyType({})


def all_tasks():
    parts = {
        "semseg": (5, CrossEntropy()),
        "human_parts": (7, CrossEntropy()),
        "depth": (1, MaskedL1()),
        "normals": (3, NormalsL1(reduction="pixel")),
        "saliency": (2, BalancedCrossEntropy()),
        "edge": (1, BalancedBCE(positive_weight=0.95)),
    }
    return [Task(name, channels, loss, metric=None) for name, (channels, loss) in parts.items()]


def four_images():
    """Valid pixels are very unevenly distributed: images 2 and 3 have almost none."""
    generator = torch.Generator().manual_seed(3)
    shape = (4, 1, 3, 5)
    batch = {"image": torch.randn(4, 3, 3, 5, generator=generator, dtype=torch.float64)}
    for name, classes in {"semseg": 5, "human_parts": 7, "saliency": 2, "edge": 2}.items():
        batch[name] = torch.randint(classes, shape, generator=generator, dtype=torch.uint8)
        batch[name][2:, :, 1:] = 255
    batch["human_parts"][2:] = 255
    batch["saliency"][:2, :, 1:] = 1
    batch["depth"] = 1 + torch.rand(shape, generator=generator, dtype=torch.float64)
    batch["depth"][2:, :, :, 1:] = 0
    batch["normals"] = F.normalize(torch.randn(4, 3, 3, 5, generator=generator, dtype=torch.float64), dim=1)
    batch["normals"][3] = 0
    return batch


def losses_and_gradients(batch):
    """T losses, counts, and the gradient of each loss at a shared layer with a final and an auxiliary output."""
    tasks = all_tasks()
    channels = [task.channels for task in tasks]
    torch.manual_seed(5)
    layer = nn.Conv2d(3, 2 * sum(channels), 1).double()
    maps = layer(batch["image"]).split(channels * 2, dim=1)
    final, early = (dict(zip([task.name for task in tasks], part, strict=True)) for part in (maps[:6], maps[6:]))
    losses, counts = TotalLoss(tasks)(Guess(final, [early]), batch)
    gradients = [torch.autograd.grad(loss, layer.weight, retain_graph=True)[0] for loss in losses]
    return torch.stack(losses).detach(), counts, torch.stack(gradients)


def of_half_the_batch(rank):
    return losses_and_gradients({name: tensor[2 * rank : 2 * rank + 2] for name, tensor in four_images().items()})


def test_mean_over_two_processes_equals_one_process(two_processes):
    first, second = two_processes(of_half_the_batch)
    losses, counts, gradients = losses_and_gradients(four_images())
    assert torch.equal(first[1], counts)
    assert torch.equal(second[1], counts)
    assert second[0][1] == 0  # no human parts in its images
    torch.testing.assert_close((first[0] + second[0]) / 2, losses, rtol=1e-13, atol=0)
    torch.testing.assert_close((first[2] + second[2]) / 2, gradients, rtol=1e-12, atol=1e-15)


def test_loss_is_the_mean_of_the_final_plus_the_mean_of_the_auxiliary():
    batch = {"depth": torch.tensor([2.0, 0.0, 4.0]).view(1, 1, 1, 3)}
    final, early = torch.full((1, 1, 1, 3), 3.0), torch.full((1, 1, 1, 3), 1.0)
    tasks = [Task("depth", 1, MaskedL1(), metric=None)]
    losses, counts = TotalLoss(tasks)(Guess({"depth": final}, [{"depth": early}]), batch)
    assert losses[0].item() == pytest.approx((1 + 1) / 2 + (1 + 3) / 2)
    assert counts.tolist() == [2]


def test_losses_come_in_the_order_of_the_tasks():
    tasks = [Task("edge", 1, BalancedBCE(positive_weight=0.5), metric=None), Task("depth", 1, MaskedL1(), metric=None)]
    batch = {"depth": torch.full((1, 1, 2, 2), 3.0), "edge": torch.zeros(1, 1, 2, 2, dtype=torch.uint8)}
    outputs = Guess({"depth": torch.zeros(1, 1, 2, 2), "edge": torch.full((1, 1, 2, 2), -100.0)}, [])
    losses, _ = TotalLoss(tasks)(outputs, batch)
    assert [loss.item() for loss in losses] == pytest.approx([0, 3])


def test_task_without_a_valid_pixel_is_zero_connected_and_counted_zero():
    tasks = [Task("depth", 1, MaskedL1(), metric=None)]
    prediction = torch.randn(1, 1, 2, 2, requires_grad=True)
    losses, counts = TotalLoss(tasks)(Guess({"depth": prediction}, []), {"depth": torch.zeros(1, 1, 2, 2)})
    losses[0].backward()
    assert losses[0] == 0
    assert counts.tolist() == [0]
    assert torch.equal(prediction.grad, torch.zeros(1, 1, 2, 2))
