"""Searches the tree of a branched network: how alike single-task networks represent images, stage by stage."""

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from hydra.utils import instantiate
from numpy.typing import NDArray
from omegaconf import DictConfig
from torch import Tensor

from mtl import build
from mtl.backbones.stages import NAMES, Stages
from mtl.build.data import build_dataset
from mtl.cli.singles import Singles
from mtl.data.view import evenly
from mtl.models.base import MultiTaskModel
from mtl.models.tree_search import Candidate, candidates, dissimilarity, distances
from mtl.run.device import choose_device

WORD = "branched"  # the model that all this is for


def search(
    cfg: DictConfig, words: Sequence[str], images: int
) -> tuple[dict[str, NDArray[np.float64]], list[Candidate], int]:
    """Distances of the tasks behind every stage, and the trees that follow from them.

    Holds the features of all images of one network: for ResNet-50 and 50 images of 425 x 560 about 5 GB.

    Args:
        cfg: The composed config.
        words: The words that it was composed from.
        images: How many images of the training split to take, evenly spaced; they are transformed as in evaluation.

    Returns:
        Stage -> distances [T, T]; the trees, see `candidates`; and the parameters of the stages in a shared encoder.

    Raises:
        ValueError: The encoder has no such stages, there is one task or too few images, or a single-task network is
            missing or corrupt.
    """
    names = build.subset(cfg)
    if len(names) < 2:
        raise ValueError(f"subset={','.join(names)}: a tree needs two or more tasks")
    sizes = stage_sizes(cfg)
    checkpoints = Singles(cfg, words).checkpoints("a tree is computed from")
    device, tasks = choose_device(cfg.device), build.build_tasks(cfg)
    networks = build.single_task_networks(cfg, tasks, checkpoints, device)
    pictures = pictures_of(cfg, names, images)
    found = [[dissimilarity(maps) for maps in stage_maps(network.eval(), pictures)] for network in networks]
    apart = [distances(matrices) for matrices in zip(*found, strict=True)]
    return dict(zip(NAMES, apart, strict=True)), candidates(names, apart, sizes), sum(sizes)


def stage_sizes(cfg: DictConfig) -> list[int]:
    """Parameters of the four stages of the encoder.

    Raises:
        ValueError: The encoder has no such stages.
    """
    cfg = cfg.copy()
    cfg.backbone.pretrained = False
    _, *stages = Stages(instantiate(cfg.backbone.encoder), WORD).parts
    return [sum(parameter.numel() for parameter in stage.parameters()) for stage in stages]


def pictures_of(cfg: DictConfig, tasks: Sequence[str], count: int) -> list[Tensor]:
    """Evenly spaced training images as in evaluation, or all if there are fewer. Shape [3, H, W] each."""
    cfg = cfg.copy()
    cfg.dataset.train.transform = cfg.dataset.val.transform
    dataset = build_dataset(cfg, "train", tasks)
    dataset = evenly(dataset, min(count, len(dataset)))
    return [dataset[index]["image"] for index in range(len(dataset))]


@torch.inference_mode()
def stage_maps(network: MultiTaskModel, pictures: list[Tensor]) -> Iterator[Tensor]:
    """Features behind each stage of a network's encoder. Shape [K, N] each.

    Args:
        network: The network.
        pictures: K images. Shape [3, H, W] each.
    """
    stem, *stages = Stages(network.backbone, WORD).parts
    found: list[list[Tensor]] = [[] for _ in stages]
    for picture in pictures:
        x = stem(picture[None].to(network.device))
        for maps, stage in zip(found, stages, strict=True):
            maps.append((x := stage(x)).flatten())
    yield from map(torch.stack, found)
