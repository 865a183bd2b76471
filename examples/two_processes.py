"""Two processes, each with half of the batch: `torchrun --standalone --nproc-per-node 2 examples/two_processes.py`.

The network has no wrapper: `mtl.backward` averages over the processes, so all get the same weights and gradients.
"""

import torch
import torch.distributed as dist
from torch import nn

import mtl
from mtl.weighters import AvgNorm

dist.init_process_group("gloo")  # nccl on GPUs
torch.manual_seed(0)  # the same network in every process
encoder, heads = nn.Conv2d(3, 8, 3), nn.ModuleList(nn.Conv2d(8, 1, 1) for _ in range(2))
image = torch.rand(4, 3, 16, 16).chunk(dist.get_world_size())[dist.get_rank()]
weighter = AvgNorm(num_tasks=2)

features = mtl.cut(encoder(image), num_tasks=2)
losses = [head(features[t]).square().mean() for t, head in enumerate(heads)]
result = mtl.backward(losses, features, weighter, scope="features")

gradient = encoder.weight.grad
assert gradient is not None
everywhere = [torch.empty_like(gradient) for _ in range(dist.get_world_size())]
dist.all_gather(everywhere, gradient)
assert torch.equal(everywhere[0], everywhere[-1])
dist.destroy_process_group()
