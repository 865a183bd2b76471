"""Scores of predictions without learning, and of ones made from the truth: the scale on which other scores are read."""

from collections.abc import Iterator, Mapping
from copy import deepcopy
from typing import Any

import numpy as np
import torch
from omegaconf import DictConfig
from torch import Tensor

from mtl import build
from mtl.build.data import build_dataset
from mtl.data.view import evenly
from mtl.engine.evaluator import judged, without_padding
from mtl.metrics import TaskMetric
from mtl.task import Task

IMAGES = 200  # training images that constants are computed from
LUMA = (0.299, 0.587, 0.114)  # brightness of red, green and blue, ITU-R BT.601


def floors(cfg: DictConfig, split: str) -> dict[str, dict[str, dict[str, float]]]:
    """Task -> prediction -> metric -> value: floors and ceilings on a split, judged as networks are.

    Args:
        cfg: The composed config.
        split: val or test.
    """
    tasks = build.build_tasks(cfg)
    fixed = constants(cfg, tasks)
    loader = build.build_evaluator(cfg, split, tasks, torch.device("cpu")).loader
    rng = np.random.default_rng(0)
    metrics: dict[str, dict[str, TaskMetric]] = {task.name: {} for task in tasks}
    for batch in loader:
        grey = brightness(cfg, batch["image"])
        for task in tasks:
            truth = batch[task.truth or task.name]
            for name, prediction in predictions(task, fixed[task.name], grey, truth, rng):
                metric = metrics[task.name].setdefault(name, deepcopy(task.metric))
                for part in without_padding(*judged(task, prediction, truth, batch["meta"])):
                    metric.update(*part)
    return {
        task: {name: {key: float(value) for key, value in metric.compute().items()} for name, metric in found.items()}
        for task, found in metrics.items()
    }


def constants(cfg: DictConfig, tasks: list[Task]) -> dict[str, Tensor]:
    """The best prediction of every task that is the same everywhere, from training images. Shape [C] each."""
    cfg = cfg.copy()
    cfg.dataset.train.transform = cfg.dataset.val.transform
    dataset = build_dataset(cfg, "train", [task.name for task in tasks])
    dataset = evenly(dataset, min(IMAGES, len(dataset)))
    samples = [dataset[index] for index in range(len(dataset))]
    return {
        task.name: torch.tensor(
            label_of(task).constant((sample[task.name].numpy() for sample in samples), task.channels),
            dtype=torch.float32,
        )
        for task in tasks
    }


def predictions(
    task: Task, constant: Tensor, grey: np.ndarray, truth: Tensor, rng: np.random.Generator
) -> Iterator[tuple[str, Tensor]]:
    """Names and raw predictions of a batch. Shape [B, C, H, W] each.

    Args:
        task: The task.
        constant: Its best constant. Shape [C].
        grey: Brightness of the images, 0 to 1. Shape [B, H, W].
        truth: What the metric compares with. Shape [B, ..., H, W].
        rng: Source of random numbers.
    """
    yield "constant", constant[:, None, None].expand(len(truth), -1, *grey.shape[1:])
    yield from stacked([label_of(task).untrained(image, rng) for image in grey])
    yield from stacked([label_of(task).nearly_true(one.numpy()) for one in truth])


def label_of(task: Task) -> Any:
    """The `TaskLabel` of a task."""
    return task.label


def stacked(found: list[Mapping[str, np.ndarray]]) -> Iterator[tuple[str, Tensor]]:
    """The predictions of all images of a batch, by name."""
    for name in found[0]:
        yield name, torch.from_numpy(np.stack([maps[name] for maps in found]).astype(np.float32))


def brightness(cfg: DictConfig, images: Tensor) -> np.ndarray:
    """Brightness of normalised images, 0 to 1. Shapes [B, 3, H, W] to [B, H, W]."""
    mean, std, luma = (
        np.array(v)[:, None, None] for v in (cfg.dataset.normalize.mean, cfg.dataset.normalize.std, LUMA)
    )
    return ((images.numpy() * std + mean) * luma).sum(axis=1).clip(0, 1)
