"""Hugging Face Accelerate places data and network; `mtl.backward` takes the place of `accelerator.backward`.

The network need not pass through `prepare`: `mtl.backward` averages over the processes by itself.
"""

import torch
from accelerate import Accelerator
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

import mtl
from mtl.weighters import AvgNorm

torch.manual_seed(0)
accelerator = Accelerator(cpu=True)
network = nn.ModuleDict({"encoder": nn.Conv2d(3, 8, 3), "depth": nn.Conv2d(8, 1, 1), "edge": nn.Conv2d(8, 1, 1)})
network.to(accelerator.device)
data = DataLoader(TensorDataset(torch.rand(4, 3, 16, 16)), batch_size=2)
optimizer, loader = accelerator.prepare(torch.optim.Adam(network.parameters(), lr=0.01), data)
weighter = AvgNorm(num_tasks=2)

for (image,) in loader:
    optimizer.zero_grad()
    features = mtl.cut(network["encoder"](image), num_tasks=2)
    losses = [network[task](features[t]).square().mean() for t, task in enumerate(("depth", "edge"))]
    result = mtl.backward(losses, features, weighter, scope="features")
    optimizer.step()
