"""Batches in which some tasks have no labels: such a task is inactive, and neither its head nor the weights change."""

import torch
from torch import nn

import mtl
from mtl.weighters import AvgNorm

torch.manual_seed(0)
encoder, heads = nn.Conv2d(3, 8, 3), nn.ModuleList(nn.Conv2d(8, 1, 1) for _ in range(3))
optimizer = torch.optim.SGD([*encoder.parameters(), *heads.parameters()], lr=0.01)
weighter = AvgNorm(num_tasks=3)
image = torch.rand(2, 3, 16, 16)
targets = [torch.rand(2, 1, 14, 14), None, torch.rand(2, 1, 14, 14)]  # no labels of the second task

features = mtl.cut(encoder(image), num_tasks=3)
outputs = [head(features[t]) for t, head in enumerate(heads)]
losses = [
    output.sum() * 0 if target is None else nn.functional.l1_loss(output, target)
    for output, target in zip(outputs, targets, strict=True)
]
active = torch.tensor([target is not None for target in targets])
result = mtl.backward(losses, features, weighter, scope="features", active=active)
optimizer.step()
