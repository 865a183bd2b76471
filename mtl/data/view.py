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
        self.available = source.available  # pyright: ignore[reportAttributeAccessIssue]  that of this object
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


class Subset(View):
    """The images of a dataset at some of its indices."""

    def __init__(self, source: DenseDataset, indices: Sequence[int]) -> None:
        super().__init__(source)
        self.indices = list(indices)

    def __len__(self) -> int:
        return len(self.indices)

    def read(self, index: int) -> Sample:
        """Load one sample; see `DenseDataset.read`."""
        return self.source.read(self.indices[index])

    def about(self) -> dict[str, Any]:
        """Information about the data for the record of a run, with the number of images that it is chosen `of`."""
        return super().about() | {"of": len(self.source)}

    def places(self) -> list[Place] | None:
        """Scene and scan of every kept image."""
        places = self.source.places()
        return None if places is None else [places[index] for index in self.indices]


def evenly(dataset: DenseDataset, images: int) -> Subset:
    """The given number of images, evenly spaced in the order of the dataset.

    Raises:
        ValueError: The dataset has fewer images.
    """
    if images > len(dataset):
        raise ValueError(f"recipe.val_images={images}: the {dataset.split} split has only {len(dataset)} images")
    return Subset(dataset, [number * len(dataset) // images for number in range(images)])
