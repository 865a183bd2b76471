"""Data loaders whose batches depend only on (seed, epoch, step), not on workers, ranks or the point of a resume."""

import os
import signal
import threading
from collections.abc import Mapping
from functools import partial
from typing import Any

import cv2
import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset, default_collate

from mtl.data.base import DenseDataset, Sample
from mtl.data.sampler import EvalSampler, TrainSampler
from mtl.tasks import IGNORE


class SeededDraws(Dataset[Sample]):
    """Runs the random transforms of each sample with a seed of its own, and restores torch's random state."""

    def __init__(self, dataset: DenseDataset) -> None:
        self.dataset = dataset

    def __len__(self) -> int:
        return len(self.dataset)

    def __getitem__(self, item: tuple[int, int]) -> Sample:
        index, draw = item
        with torch.random.fork_rng(devices=[]):
            # torch.manual_seed would also reseed every CUDA device for each image.
            torch.default_generator.manual_seed(draw)
            return self.dataset[index]


def make_loader(
    dataset: DenseDataset,
    *,
    batch_size: int,
    workers: int,
    seed: int,
    train: bool,
    rank: int = 0,
    world_size: int = 1,
    limits: Mapping[str, int] | None = None,
) -> DataLoader:
    """Build the loader of one rank.

    For training, `loader.sampler.set_epoch` and `loader.sampler.set_position` set where the next pass starts;
    `len(loader)` is always the number of batches of a whole epoch.

    Args:
        dataset: The dataset.
        batch_size: Images per batch of this rank.
        workers: Worker processes; 0 loads in this process.
        seed: Seed of order and augmentation.
        train: Whether to shuffle and drop the incomplete last batch; otherwise all images in order.
        rank: Rank of this process.
        world_size: Number of processes.
        limits: Number of classes by task; a class map with a larger class raises an error. Tasks with float labels
            have no limit.

    Raises:
        ValueError: The batch size is not positive, or the training images do not fill one batch.
    """
    if batch_size < 1:
        raise ValueError(f"batch_size is {batch_size}; use at least 1")
    shard = {"rank": rank, "world_size": world_size}
    sampler = (
        TrainSampler(len(dataset), batch_size=batch_size, seed=seed, **shard)
        if train
        else EvalSampler(len(dataset), **shard)
    )
    return DataLoader(
        SeededDraws(dataset) if train else dataset,
        batch_size=batch_size,
        sampler=sampler,
        drop_last=train,
        num_workers=workers,
        collate_fn=partial(collate, limits=limits or {}),
        worker_init_fn=set_up_worker,
        persistent_workers=workers > 0,
        pin_memory=torch.cuda.is_available(),
        # Each pass draws a seed for its workers: from this generator, not from the global one that dropout uses.
        generator=torch.Generator(),
    )


def collate(samples: list[Sample], limits: Mapping[str, int]) -> dict[str, Any]:
    """Stack tensors to [B, C, H, W]; `meta` stays a list with one dict per image.

    Raises:
        ValueError: A class map contains a class beyond the limit of its task. The loss would fail on it without
            naming the image, and on a GPU leave CUDA unusable.
    """
    columns = {key: [sample[key] for sample in samples] for key in samples[0]}
    # In a worker, default_collate stacks in shared memory, so the batch is not copied again.
    batch: dict[str, Any] = {
        key: column if key == "meta" else default_collate(column) for key, column in columns.items()
    }
    for task, limit in limits.items():
        if batch[task].is_floating_point():
            continue
        labels = batch[task].numpy()  # [B, C, H, W]; compares bytes fifteen times as fast as torch
        wrong = (labels >= limit) & (labels != IGNORE)
        if wrong.any():
            image, *_ = place = np.argwhere(wrong)[0]
            raise ValueError(
                f"{task}: label {labels[tuple(place)]} in image {batch['meta'][image]['id']}, but the network has "
                f"{limit} classes (0 to {limit - 1}, and {IGNORE} is ignored): fix the label, or give the task "
                "more channels"
            )
    return batch


def set_up_worker(worker: int) -> None:
    """Limit a worker to one core, because many thread pools slow training down, and leave signals to its parent.

    A cluster sends SIGTERM to all processes of a job. A worker that died of it would end the training process before it
    has finished its step and saved.
    """
    cv2.setNumThreads(0)
    torch.set_num_threads(1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if hasattr(signal, "sigwaitinfo"):  # not on macOS
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
        threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    while signal.sigwaitinfo({signal.SIGTERM}).si_pid != os.getppid():
        pass
    os._exit(0)
