"""From a composed config to the images of a run: which split, read how, and with what done to it."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from hydra.utils import instantiate
from omegaconf import DictConfig

from mtl.data.base import DenseDataset
from mtl.data.cache import Cached


def build_dataset(cfg: DictConfig, split: str, tasks: Sequence[str], science: Mapping[str, Any]) -> DenseDataset:
    """A split of the dataset; that for training with fewer images or worse labels where the config says so.

    Args:
        cfg: The composed config.
        split: Key of the split in the config of the dataset.
        tasks: Names of the tasks to train.
        science: The resolved config without what does not change the result; a cache is known by its part of it.

    Raises:
        ValueError: The dataset cannot be had like this.
    """
    cache = cfg.dataset.get("cache", False)
    if not isinstance(cache, bool):
        raise ValueError(f"dataset.cache={cache}: use true or false")
    dataset = instantiate(cfg.dataset[split], tasks=tasks)
    if cache:
        settings = {key: value for key, value in science["dataset"][split].items() if key != "transform"}
        settings["left_out"] = dataset.about().get("left_out", [])  # damaged images of a dataset that skips them
        dataset = Cached(dataset, Path(cfg.data) / "cache", settings, cfg.workers)
    if split == "train":
        for operation in cfg.dataset.get("operations", {}).values():
            dataset = instantiate(operation)(dataset)
    return dataset
