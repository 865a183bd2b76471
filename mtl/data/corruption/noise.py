"""Label noise: corrupts the training labels of each task.

Guo et al., Revisit the Imbalance Optimization in Multi-task Learning, 2025.
https://arxiv.org/abs/2509.23915, Sec. V-E.
"""

import hashlib
from collections.abc import Callable, Mapping
from typing import Annotated, Any, Literal, cast, get_args

import numpy as np
from annotated_types import Ge, Interval
from numpy.random import Generator

from mtl.data.base import DenseDataset, Sample
from mtl.data.view import View
from mtl.tasks import Noise, find_task

Mode = Literal["none", "pixel", "category"]


class LabelNoise:
    """Corrupts the labels of every training image, in the same way in every epoch.

    In each image, `categories` of the classes that occur are drawn (all, if there are fewer). With probability `rate`,
    each of their pixels (mode `pixel`) or each class as a whole (mode `category`) is replaced by a wrong class, drawn
    uniformly from all others of the dataset. Depth and normals get Gaussian noise at every pixel. Invalid pixels stay
    invalid. See `corrupt` of each task's label for details.

    The noise depends on the seed, the task and the id of the image, so not on which tasks are trained together.

    Args:
        mode: `none`, `pixel` or `category`.
        num_classes: Number of classes of the dataset.
        categories: Number of classes of an image that are corrupted.
        rate: Probability of a wrong class.
        seed: Seed of the noise.
        **deviations: Standard deviations by task, in the unit of its label.

    Deviations from the paper: it gives no standard deviations, and "a rate of 0.5" may refer to pixels or to classes.
    """

    def __init__(
        self,
        *,
        mode: Mode,
        num_classes: Annotated[int, Interval(ge=2, le=255)],
        categories: Annotated[int, Ge(0)],
        rate: Annotated[float, Interval(ge=0, le=1)],
        seed: Annotated[int, Ge(0)],
        **deviations: Annotated[float, Ge(0)],
    ) -> None:
        if mode not in get_args(Mode):
            raise ValueError(f"dataset.noise={mode}: use {' or '.join(get_args(Mode))}")
        if not 0 <= rate <= 1 or min([categories, *deviations.values()]) < 0 or num_classes < 2:
            raise ValueError(
                f"noise on {categories} of {num_classes} classes at rate {rate}, with deviations {deviations}: use a "
                "rate from 0 to 1, 2 classes or more, and no negative number"
            )
        self.noise = Noise(mode, num_classes, categories, rate, deviations)
        self.seed = seed

    @staticmethod
    def idle(settings: Mapping[str, Any]) -> bool:
        """Whether these settings leave the labels unchanged."""
        return settings["mode"] == "none"

    def __call__(self, dataset: DenseDataset) -> DenseDataset:
        """The dataset with corrupted labels.

        Raises:
            ValueError: The dataset is not a training split, or has a task for which no noise is defined.
        """
        mode = self.noise.mode
        if mode == "none":
            return dataset
        if dataset.split != "train":
            raise ValueError(f"dataset.noise={mode}: noise is for training labels, not for the {dataset.split} split")
        noisy = [task for task in dataset.available if find_task(task).corrupt is not None]
        if spared := [task for task in dataset.reads if task not in noisy]:
            raise ValueError(
                f"dataset.noise={mode}: no noise is defined for {', '.join(spared)}; train some of the tasks "
                f"subset=[{','.join(noisy)}]"
            )
        return Noisy(dataset, self)

    def stream(self, task: str, image: str) -> Generator:
        """Random stream for one label of one image."""
        words = hashlib.sha256(f"{self.seed} {task} {image}".encode()).digest()
        return np.random.default_rng(int.from_bytes(words[:16], "big"))


class Noisy(View):
    """A dataset with corrupted labels."""

    def __init__(self, source: DenseDataset, labels: LabelNoise) -> None:
        super().__init__(source)
        self.labels = labels

    def read(self, index: int) -> Sample:
        """Load one sample; see `DenseDataset.read`."""
        sample = self.source.read(index)
        image = sample["meta"]["id"]
        for task in self.reads:
            try:
                sample[task] = cast("Callable[..., Any]", find_task(task).corrupt)(
                    sample[task], self.labels.stream(task, image), self.labels.noise
                )
            except ValueError as error:
                raise ValueError(f"{task}: {error} (image {image})") from error
        return sample
