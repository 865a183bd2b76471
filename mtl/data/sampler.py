"""In which order images are drawn: a function of (seed, epoch) alone, so any step can be returned to."""

from collections.abc import Iterator

import numpy as np
from torch.utils.data import Sampler


class TrainSampler(Sampler[tuple[int, int]]):
    """Shuffles the dataset anew each epoch and deals every global batch out to the ranks.

    Yields pairs (index, draw): `draw` seeds the random transforms of that image in that epoch. With R ranks
    of batch size B, step s of all ranks together holds the images of step s of one process of batch size R B.
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
        """Images this rank sees in a whole epoch, wherever the position is."""
        return self.steps * self.batch_size

    def __iter__(self) -> Iterator[tuple[int, int]]:
        generator = np.random.default_rng([self.seed, self.epoch])
        # First the draws: the one of image i must not depend on how many images there are.
        draws = generator.integers(2**32, size=self.length)
        used = self.steps * self.batch_size * self.world_size
        order = generator.permutation(self.length)[:used]
        mine = order.reshape(self.steps, self.batch_size, self.world_size)[self.start :, :, self.rank].ravel()
        return zip(mine.tolist(), draws[mine].tolist(), strict=True)


class EvalSampler(Sampler[int]):
    """Every image exactly once over all ranks, in order: no shuffle, nothing dropped, nothing repeated."""

    def __init__(self, length: int, *, rank: int, world_size: int) -> None:
        self.indices = range(rank, length, world_size)

    def __len__(self) -> int:
        return len(self.indices)

    def __iter__(self) -> Iterator[int]:
        return iter(self.indices)
