"""Base class of datasets that modify another dataset: subsets, label noise and caches."""

from collections.abc import Sequence
from typing import Any

from mtl.data.base import DenseDataset, Place, Sample


class View(DenseDataset):
    """Forwards to another dataset; a subclass changes what `read` returns, before `transform` is applied.

    Args:
        source: The other dataset.
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
        """Information about the data for the record of a run."""
        return self.source.about() | {"images": len(self)}

    def places(self) -> Sequence[Place] | None:
        """Scene and scan of every image; see `DenseDataset.places`."""
        return self.source.places()
