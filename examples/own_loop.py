"""A training loop of one's own: a shared encoder, three heads, AvgNorm."""

import torch
from torch import nn

import mtl
from mtl.weighters import AvgNorm

torch.manual_seed(0)
encoder = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU())
heads = nn.ModuleList(nn.Conv2d(8, 1, 1) for _ in range(3))
optimizer = torch.optim.Adam([*encoder.parameters(), *heads.parameters()], lr=0.02)
weighter = AvgNorm(num_tasks=3)
image = torch.rand(4, 3, 16, 16)
targets = [scale * image.mean(1, keepdim=True)[..., 1:-1, 1:-1] for scale in (1, 10, 100)]

history = []
for _ in range(60):
    optimizer.zero_grad()
    features = mtl.cut(encoder(image), num_tasks=3)
    losses = [nn.functional.l1_loss(head(features[t]), targets[t]) for t, head in enumerate(heads)]
    result = mtl.backward(losses, features, weighter, scope="features")
    optimizer.step()
    history.append(result.losses)
