"""A timm network with three heads: the list of its feature maps is cut, and each head reads what it needs."""

from typing import Any

import timm
import torch
from torch import nn

import mtl
from mtl.weighters import IMTLG

torch.manual_seed(0)
encoder: Any = timm.create_model("resnet18", features_only=True, pretrained=False, out_indices=(2, 4))
deep = encoder.feature_info.channels()[-1]
heads = nn.ModuleList(nn.Conv2d(deep, channels, 1) for channels in (5, 1, 3))  # segmentation, depth, normals
optimizer = torch.optim.SGD([*encoder.parameters(), *heads.parameters()], lr=0.01)
weighter = IMTLG(num_tasks=3)
image, classes = torch.rand(2, 3, 64, 64), torch.randint(5, (2, 2, 2))

features = mtl.cut(encoder(image), num_tasks=3)  # maps of strides 8 and 32
semseg, depth, normals = (head(features[t][-1]) for t, head in enumerate(heads))
losses = [nn.functional.cross_entropy(semseg, classes), depth.abs().mean(), normals.square().mean()]
result = mtl.backward(losses, features, weighter, scope="features")
optimizer.step()
