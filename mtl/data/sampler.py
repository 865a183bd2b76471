"""Samplers whose order depends only on (seed, epoch), so that a run can resume at any step."""

from collections.abc import Iterator

import numpy as np
from torch.utils.data import Sampler


class TrainSampler(Sampler[tuple[int, int]]):
    """Shuffles the dataset in every epoch and distributes each global batch over the ranks.

    Yields pairs (index, draw), where `draw` seeds the random transforms of that image in that epoch. Step s of R ranks
    with batch size B covers the same images as step s of one process with batch size R B.
    """

    def __init__(self, length: int, *, batch_size: int, seed: int, rank: int, world_size: int) -> None:
        self.length = length
        self.batch_size = batch_size
        self.seed = seed
        self.rank = rank
        self.world_size = world_size
        self.steps = length // (batch_size * world_size)
        if self.steps == 0:
            raise ValueError(
                f"{length} training images do not fill one batch of {batch_size} on each of {world_size} "
                f"process(es); use a batch size of at most {length // world_size}"
            )
        self.set_epoch(0)

    def set_epoch(self, epoch: int) -> None:
        """Start the given epoch at its first batch."""
        self.set_position(epoch, 0)

    def set_position(self, epoch: int, batch: int) -> None:
        """Continue the given epoch after its first `batch` batches.

        Raises:
            ValueError: The epoch has fewer batches.
        """
        if not 0 <= batch <= self.steps:
            raise ValueError(f"batch is {batch}, but an epoch has {self.steps} batches; use 0 to {self.steps}")
        self.epoch = epoch
        self.start = batch

    def __len__(self) -> int:
        """Number of images of this rank in a whole epoch, independent of the position."""
        return self.steps * self.batch_size

    def __iter__(self) -> Iterator[tuple[int, int]]:
        generator = np.random.default_rng([self.seed, self.epoch])
        # Draw the seeds first, so that the seed of image i does not depend on the number of images.
        draws = generator.integers(2**32, size=self.length)
        used = self.steps * self.batch_size * self.world_size
        order = generator.permutation(self.length)[:used]
        mine = order.reshape(self.steps, self.batch_size, self.world_size)[self.start :, :, self.rank].ravel()
        return zip(mine.tolist(), draws[mine].tolist(), strict=True)


class EvalSampler(Sampler[int]):
    """Yields every image exactly once over all ranks, in order."""

    def __init__(self, length: int, *, rank: int, world_size: int) -> None:
        self.indices = range(rank, length, world_size)

    def __len__(self) -> int:
        return len(self.indices)

    def __iter__(self) -> Iterator[int]:
        return iter(self.indices)
