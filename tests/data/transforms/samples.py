"""Typed samples in which every pixel encodes its position."""

import numpy as np
import torch
from torchvision import tv_tensors

from mtl.data.transforms import typed

LABELS = ("semseg", "human_parts", "depth", "normals", "saliency", "edge")


def numbered(height, width, tasks=LABELS):
    """Every map holds row and column: colours (row, column, 0), classes column % 200, depth row + column / 1000 + 1."""
    row, column = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    maps = {
        "semseg": typed("semseg", (column % 200).byte()[None]),
        "human_parts": typed("human_parts", (column % 7).byte()[None]),
        "depth": typed("depth", (row + column / 1000 + 1)[None]),
        "normals": typed("normals", torch.stack([column + 1.0, row + 1.0, torch.ones(height, width)])),
        "saliency": typed("saliency", (row % 2).byte()[None]),
        "edge": typed("edge", (column % 2).byte()[None]),
    }
    image = tv_tensors.Image(torch.stack([row, column, row * 0]).byte())
    return {"image": image} | {task: maps[task] for task in tasks} | {"meta": meta(height, width)}


def meta(height, width):
    return {"id": "a", "size": (height, width), "padding": (0, 0)}


def picture(height=40, width=56, seed=0):
    """Smooth colours with noise, like a photograph. Shape [3, H, W]."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:height, :width]
    waves = np.stack([np.sin(x / 9 + c) + np.cos(y / (7 + c)) for c in range(3)]) * 60 + 127
    return np.clip(waves + rng.normal(0, 12, waves.shape), 0, 255).astype(np.uint8)
