"""Random crop that looks for a place where more than one class is to be seen."""

from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor, nn
from torchvision.transforms.v2 import functional as F

from mtl.tasks import IGNORE


class RandomCrop(nn.Module):
    """Cuts the same window out of image and labels; a window that one class fills is drawn again.

    A window is good if its segmentation has more than one class and the largest covers less than `largest` of the
    valid pixels. After `tries` windows that are not, the next one is taken as it is. A side that is shorter than the
    window stays whole.

    The segmentation is needed even where it is not trained; `needs` asks the dataset to load it. A single-task
    network thus sees the very windows that the multi-task network sees.

    Deviations from the paper: none; the rule is that of the augmentation it cites.
    """

    needs: ClassVar[tuple[str, ...]] = ("semseg",)

    def __init__(self, height: int, width: int, largest: float, tries: int) -> None:
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
            raise ValueError("RandomCrop looks for classes, but the sample has no semseg: load it in `read`")
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
        """Upper left corner of a window, all places alike."""
        top = torch.randint(max(height - self.height, 0) + 1, ()).item()
        left = torch.randint(max(width - self.width, 0) + 1, ()).item()
        return top, left

    def _is_good(self, semseg: Tensor) -> bool:
        counts = torch.bincount(semseg.flatten(), minlength=IGNORE + 1).numpy()  # [256]
        counts = np.delete(counts, IGNORE)
        return bool((counts > 0).sum() > 1 and counts.max() < self.largest * counts.sum())
