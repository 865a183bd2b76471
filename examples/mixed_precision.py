"""float16 with a GradScaler, on a GPU; without one, bfloat16 on the CPU, which needs no scale."""

import torch
from torch import nn

import mtl
from mtl.weighters import CAGrad

torch.manual_seed(0)
device = "cuda" if torch.cuda.is_available() else "cpu"
dtype = torch.float16 if device == "cuda" else torch.bfloat16
encoder = nn.Conv2d(3, 8, 3).to(device)
heads = nn.ModuleList(nn.Conv2d(8, 1, 1) for _ in range(2)).to(device)
parameters = [*encoder.parameters(), *heads.parameters()]
optimizer = torch.optim.SGD(parameters, lr=0.01)
scaler = torch.amp.GradScaler(device, init_scale=1024, enabled=dtype is torch.float16)
weighter = CAGrad(num_tasks=2, c=0.4, rescale=1)
image = torch.rand(4, 3, 16, 16, device=device)

for _ in range(3):
    optimizer.zero_grad()
    with torch.autocast(device, dtype):  # the forward pass and the losses, not the backward pass
        features = mtl.cut(encoder(image), num_tasks=2)
        losses = [head(features[t]).float().square().mean() for t, head in enumerate(heads)]
    result = mtl.backward(losses, features, weighter, loss_scale=scaler.get_scale())
    scaler.unscale_(optimizer)
    nn.utils.clip_grad_norm_(parameters, 1.0)
    scaler.step(optimizer)
    scaler.update()
