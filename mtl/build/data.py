"""Builds the dataset of a split from the config, with caching, sampling and label noise, and its loader."""

import logging
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from hydra.utils import instantiate
from omegaconf import DictConfig
from torch.utils.data import DataLoader

from mtl.build.config import science
from mtl.data.base import DenseDataset
from mtl.data.cache import Cached
from mtl.data.loader import make_loader
from mtl.data.view import Subset, evenly
from mtl.engine import distributed
from mtl.task import Task

HOLDOUT_SEED = 0  # of the images that are held out
HELD_OUT_ORDER = 10**6 + 3  # added to the seed of a run for the order of its held-out images

log = logging.getLogger(__name__)


def build_dataset(cfg: DictConfig, split: str, tasks: Sequence[str]) -> DenseDataset:
    """A split of the dataset; the training split with a subset of images or noisy labels if the config says so.

    Args:
        cfg: The composed config.
        split: Key of the split in the config of the dataset.
        tasks: Names of the tasks to train.

    Raises:
        ValueError: The dataset is missing or corrupt, or its config is invalid.
    """
    if cfg.dataset[split].get("transform", "") is None:
        raise ValueError(f"dataset.{split}.transform=null: a network needs at least mtl.data.transforms.Normalize")
    dataset = instantiate(cfg.dataset[split], tasks=tasks)
    if cache := cfg.dataset.get("cache", False):
        dataset = cached(cfg, split, dataset, cache == "auto")
    if split == "val" and cfg.recipe.val_images is not None:
        dataset = evenly(dataset, cfg.recipe.val_images)
    if split == "train":
        for operation in cfg.dataset.get("operations", {}).values():
            dataset = instantiate(operation)(dataset)
    return dataset


def cached(cfg: DictConfig, split: str, dataset: DenseDataset, spare: bool) -> DenseDataset:
    """The split with a cache of its decoded samples.

    Args:
        cfg: The composed config.
        split: Key of the split in the config of the dataset.
        dataset: The split.
        spare: Whether to do without a cache that takes more than half of the free space, or cannot be written.
    """
    settings = {key: value for key, value in science(cfg)["dataset"][split].items() if key != "transform"}
    settings["left_out"] = dataset.about().get("left_out", [])  # corrupt images, if the dataset skips them
    try:
        return Cached(dataset, Path(cfg.data) / "cache", settings, cfg.workers, 0.5 if spare else 1.0)
    except OSError as error:
        if not spare:
            raise
        reason = f"{error.filename}: {error.strerror}" if error.filename else error
        log.warning("no cache of %s %s, every use decodes its images again (%s)", cfg.dataset.name, split, reason)
        return dataset


def share_of_batch(batch_size: int, world_size: int, micro_batches: int = 1) -> int:
    """Images per process, from the batch size over all processes.

    Raises:
        ValueError: The batch does not divide equally among the processes and their micro-batches.
    """
    if batch_size % (world_size * micro_batches):
        parts = (
            f"{micro_batches} micro-batches of {world_size} processes"
            if micro_batches > 1
            else f"{world_size} processes"
        )
        raise ValueError(f"recipe.batch_size={batch_size} does not divide into {parts}")
    return batch_size // world_size


def build_loader(cfg: DictConfig, split: str, tasks: Sequence[Task]) -> DataLoader:
    """Batches of a split for this process; the training split is shuffled."""
    return _batches(cfg, build_dataset(cfg, split, [task.name for task in tasks]), tasks, cfg.seed)


def build_training_loaders(cfg: DictConfig, tasks: Sequence[Task]) -> tuple[DataLoader, DataLoader | None]:
    """Batches of the training split, and of its images that a weighter holds out, if it does.

    The share `weighter.lookahead.held_out` of the images is the same in every run. If it is 0, the held-out batches
    have all images, in another order.

    Raises:
        ValueError: The images that are held out do not fill a batch.
    """
    dataset = build_dataset(cfg, "train", [task.name for task in tasks])
    if "lookahead" not in cfg.weighter:
        return _batches(cfg, dataset, tasks, cfg.seed), None
    rest = held_out = dataset
    if share := cfg.weighter.lookahead.held_out:
        count = round(share * len(dataset))
        if count < cfg.recipe.batch_size:
            raise ValueError(
                f"weighter.lookahead.held_out={share} holds out {count} of {len(dataset)} training images, too few for "
                f"a batch of {cfg.recipe.batch_size}: use a larger share, or 0 for all images in another order"
            )
        order = np.random.default_rng(HOLDOUT_SEED).permutation(len(dataset)).tolist()
        held_out, rest = Subset(dataset, sorted(order[:count])), Subset(dataset, sorted(order[count:]))
    return _batches(cfg, rest, tasks, cfg.seed), _batches(cfg, held_out, tasks, cfg.seed + HELD_OUT_ORDER)


def _batches(cfg: DictConfig, dataset: DenseDataset, tasks: Sequence[Task], seed: int) -> DataLoader:
    """Batches of a dataset for this process.

    Args:
        cfg: The composed config.
        dataset: The dataset.
        tasks: The tasks to train.
        seed: Of the order and the random transforms of training images.
    """
    return make_loader(
        dataset,
        train=dataset.split == "train",
        batch_size=share_of_batch(cfg.recipe.batch_size, distributed.world_size(), cfg.recipe.micro_batches),
        workers=cfg.workers,
        seed=seed,
        rank=distributed.rank(),
        world_size=distributed.world_size(),
        limits={task.name: max(task.channels, 2) for task in tasks},  # one logit distinguishes two classes
    )
