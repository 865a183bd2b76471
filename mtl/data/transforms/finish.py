"""The last steps of a pipeline: plain normalised tensors of one size, with pixels without a label marked as invalid."""

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mtl.tasks import IGNORE, find

MEAN_COLOUR = 0  # of a normalised image


class Normalize(nn.Module):
    """Centres and scales the colours of the image and takes the types off every tensor.

        image = (image / 255 - mean) / std

    Labels keep their values and dtypes.
    """

    def __init__(self, mean: Sequence[float], std: Sequence[float]) -> None:
        super().__init__()
        self.mean = torch.tensor(list(mean)).view(-1, 1, 1)
        self.std = torch.tensor(list(std)).view(-1, 1, 1)

    def forward(self, sample: dict[str, Any]) -> dict[str, Any]:
        """Return the sample ready for collation.

        Args:
            sample: The key `image` holds uint8 colours, shape [3, H, W]; other keys are passed on.
        """
        plain = {
            key: value.as_subclass(Tensor) if isinstance(value, Tensor) else value for key, value in sample.items()
        }
        return plain | {"image": (plain["image"] / 255 - self.mean) / self.std}


class Pad(nn.Module):
    """Puts the image in the middle of a larger one, filled with the mean colour; no label counts there.

    It comes after `Normalize`, where the mean colour is 0. An odd row or column goes below or to the right. `meta`
    keeps the rows above and the columns to the left as `padding`, so that scores are taken at the size of the image.

    Deviations from the paper: it says that images are resized to this size; the work it cites for it pads, and never
    resizes for evaluation.
    """

    def __init__(self, height: int, width: int) -> None:
        super().__init__()
        self.height = height
        self.width = width

    def forward(self, sample: dict[str, Any]) -> dict[str, Any]:
        """Return the sample at the size of this transform.

        Args:
            sample: Plain maps of one size, shape [C, H, W], the image normalised, and `meta`.

        Raises:
            ValueError: The image is larger, or not normalised yet.
        """
        image, meta = sample["image"], sample["meta"]
        rows, columns = self.height - image.shape[-2], self.width - image.shape[-1]
        if min(rows, columns) < 0:
            raise ValueError(
                f"image {meta['id']} of {image.shape[-2]} x {image.shape[-1]} is larger than the {self.height} x "
                f"{self.width} it shall be padded to"
            )
        if not image.is_floating_point():
            raise ValueError("Pad fills with 0, the mean colour after Normalize: put it after Normalize")
        top, left = rows // 2, columns // 2
        edges = (left, columns - left, top, rows - top)
        padded = {
            key: F.pad(value, edges, value=fill_of(key)) if isinstance(value, Tensor) else value
            for key, value in sample.items()
        }
        above, before = meta.get("padding", (0, 0))
        return padded | {"meta": meta | {"padding": (above + top, before + left)}}


def fill_of(key: str) -> float:
    """What a map holds beyond the image: the mean colour, or of a label its mark of an invalid pixel."""
    return MEAN_COLOUR if key == "image" else find(key).fill


class IgnoreAbsentPersons(nn.Module):
    """Takes an image without any person out of the task human parts: all of its pixels are ignored.

    Background alone teaches nothing about parts. It looks at what is left after the crop, hence comes last.

    Deviations from the paper: the augmentation it cites also marks depth 0 and normals of length 0 by 255; here
    losses and metrics take those zeros themselves for pixels that are not valid.
    """

    def forward(self, sample: dict[str, Any]) -> dict[str, Any]:
        """Return the sample, its `human_parts`, shape [1, H, W], ignored or as they were."""
        parts = sample.get("human_parts")
        if parts is None or ((parts > 0) & (parts < IGNORE)).any():
            return sample
        return sample | {"human_parts": parts.new_full(parts.shape, IGNORE)}
