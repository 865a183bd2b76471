"""Random crop that avoids windows dominated by one class."""

from typing import Annotated, Any, ClassVar

import numpy as np
import torch
from annotated_types import Ge, Interval
from torch import Tensor, nn
from torchvision.transforms.v2 import functional as F

from mtl.tasks import IGNORE


class RandomCrop(nn.Module):
    """Crops image and labels to the same random window; draws again if one class dominates the window.

    A window is accepted if its segmentation has more than one class and the largest covers less than `largest` of the
    valid pixels. After `tries` rejected windows, the next one is used regardless. A side that is shorter than the
    window is not cropped.

    The segmentation is needed even if the task is not trained; `needs` makes the dataset load it. A single-task network
    thus sees the same windows as the multi-task network.

    Deviations from the paper: none; the rule is that of the augmentation it cites.
    """

    needs: ClassVar[tuple[str, ...]] = ("semseg",)

    def __init__(
        self,
        height: Annotated[int, Ge(1)],
        width: Annotated[int, Ge(1)],
        largest: Annotated[float, Interval(gt=0, le=1)],
        tries: Annotated[int, Ge(0)],
    ) -> None:
        super().__init__()
        if min(height, width) < 1:
            raise ValueError(f"window of {height} x {width}: use at least 1 x 1")
        self.height = height
        self.width = width
        self.largest = largest
        self.tries = tries

    def forward(self, sample: dict[str, Any]) -> dict[str, Any]:
        """Return the window of the sample.

        Args:
            sample: Typed maps of one size, shape [C, H, W], among them `semseg`, and `meta`.
        """
        if "semseg" not in sample:
            raise ValueError("RandomCrop needs semseg, but the sample has none: load it in `read`")
        height, width = sample["image"].shape[-2:]
        window = min(self.height, height), min(self.width, width)
        for _ in range(self.tries):
            top, left = self._place(height, width)
            if self._is_good(sample["semseg"][..., top : top + window[0], left : left + window[1]]):
                break
        else:
            top, left = self._place(height, width)
        cut = {key: F.crop(value, top, left, *window) for key, value in sample.items() if isinstance(value, Tensor)}
        return sample | cut | {"meta": sample["meta"] | {"size": window}}

    def _place(self, height: int, width: int) -> tuple[int, int]:
        """Upper left corner of a window, drawn uniformly."""
        top = int(torch.randint(max(height - self.height, 0) + 1, ()))
        left = int(torch.randint(max(width - self.width, 0) + 1, ()))
        return top, left

    def _is_good(self, semseg: Tensor) -> bool:
        labels = semseg.numpy()
        valid = labels.size - np.count_nonzero(labels == IGNORE)
        # One class from a sample of the pixels is usually enough: the others do not cover more than the rest.
        likely = np.bincount(labels[..., ::8, ::8].ravel(), minlength=IGNORE + 1)[:IGNORE].argmax()
        count = np.count_nonzero(labels == likely)
        if not count or valid - count >= self.largest * valid:
            count = np.delete(np.bincount(labels.ravel(), minlength=IGNORE + 1), IGNORE).max()
        return bool(0 < count < min(valid, self.largest * valid))
