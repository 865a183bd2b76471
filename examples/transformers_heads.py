"""A Hugging Face network with two heads; its tokens [B, N, C] are cut like feature maps."""

import torch
from torch import nn
from transformers import ViTConfig, ViTModel

import mtl
from mtl.weighters import AvgNorm

torch.manual_seed(0)
config = ViTConfig(hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=64, image_size=32)
encoder = ViTModel(config, add_pooling_layer=False)
heads = nn.ModuleList(nn.Linear(32, channels) for channels in (5, 1))  # segmentation, depth
weighter = AvgNorm(num_tasks=2)
image, classes = torch.rand(2, 3, 32, 32), torch.randint(5, (2, 4))

features = mtl.cut(encoder(image).last_hidden_state[:, 1:], num_tasks=2)  # without the class token
semseg, depth = (head(features[t]) for t, head in enumerate(heads))
losses = [nn.functional.cross_entropy(semseg.mT, classes), depth.abs().mean()]
result = mtl.backward(losses, features, weighter, scope="features")
