"""A dataset seen through a change: the base of subsets, noise and caches."""

from collections.abc import Sequence
from typing import Any

from mtl.data.base import DenseDataset, Place, Sample


class View(DenseDataset):
    """Hands on what another dataset reads; a subclass changes some of it, and `transform` comes after the change.

    Args:
        source: The dataset to look at.
    """

    def __init__(self, source: DenseDataset) -> None:
        self.available = source.available
        super().__init__(source.split, source.tasks, source.transform)
        self.source = source

    def __len__(self) -> int:
        return len(self.source)

    def read(self, index: int) -> Sample:
        """Load one sample; see `DenseDataset.read`."""
        return self.source.read(index)

    def about(self) -> dict[str, Any]:
        """What a record of a run says about its data."""
        return self.source.about() | {"images": len(self)}

    def places(self) -> Sequence[Place] | None:
        """Scene and scan of every image; see `DenseDataset.places`."""
        return self.source.places()
