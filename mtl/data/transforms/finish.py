"""The last steps of a pipeline: plain normalised tensors of one size, with pixels without a label marked as invalid."""

from collections.abc import Sequence
from typing import Annotated, Any

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from annotated_types import Gt, Interval, Len
from torch import Tensor, nn

from mtl.tasks import IGNORE, find

Side = Annotated[int, Interval(ge=1, le=8192)]
MEAN_COLOUR = 0  # of a normalised image


class Normalize(nn.Module):
    """Normalises the colours of the image and converts all typed tensors to plain ones.

        image = (image / 255 - mean) / std

    Labels keep their values and dtypes. Since every byte has one result, it is a table look-up.
    """

    def __init__(
        self, mean: Annotated[Sequence[float], Len(3, 3)], std: Annotated[Sequence[Annotated[float, Gt(0)]], Len(3, 3)]
    ) -> None:
        super().__init__()
        self.mean = torch.tensor(list(mean)).view(-1, 1, 1)
        self.std = torch.tensor(list(std)).view(-1, 1, 1)
        self.tables = ((torch.arange(256) / 255 - self.mean) / self.std).numpy()  # [3, 1, 256]

    def forward(self, sample: dict[str, Any]) -> dict[str, Any]:
        """Return the sample ready for collation.

        Args:
            sample: The key `image` holds uint8 colours, shape [3, H, W]; other keys are passed on.
        """
        plain = {
            key: value.as_subclass(Tensor) if isinstance(value, Tensor) else value for key, value in sample.items()
        }
        planes = plain["image"].numpy()
        normalised = np.empty(planes.shape, np.float32)
        for plane, table, place in zip(planes, self.tables, normalised, strict=True):
            cv2.LUT(plane, table, dst=place)
        return plain | {"image": torch.from_numpy(normalised)}


class Pad(nn.Module):
    """Pads the image on all sides with the mean colour, and its labels with invalid pixels.

    Use it after `Normalize`, where the mean colour is 0. An odd row or column goes below or to the right. The rows
    above and the columns to the left are stored as `padding` in `meta`, so that metrics can crop to the image.

    Deviations from the paper: it says that images are resized to this size; the work it cites for it pads, and never
    resizes for evaluation.

    Example:
        >>> import torch
        >>> sample = {"image": torch.ones(3, 2, 2), "depth": torch.ones(1, 2, 2), "meta": {"id": "0001"}}
        >>> padded = Pad(height=2, width=4)(sample)
        >>> padded["depth"].tolist(), padded["meta"]["padding"]
        ([[[0.0, 1.0, 1.0, 0.0], [0.0, 1.0, 1.0, 0.0]]], (0, 1))
    """

    def __init__(self, height: Side, width: Side) -> None:
        super().__init__()
        self.height = height
        self.width = width

    def forward(self, sample: dict[str, Any]) -> dict[str, Any]:
        """Return the padded sample.

        Args:
            sample: Plain maps of one size, shape [C, H, W], the image normalised, and `meta`.

        Raises:
            ValueError: The image is larger than the padded size, or not normalised yet.
        """
        image, meta = sample["image"], sample["meta"]
        rows, columns = self.height - image.shape[-2], self.width - image.shape[-1]
        if min(rows, columns) < 0:
            raise ValueError(
                f"image {meta['id']} of {image.shape[-2]} x {image.shape[-1]} is larger than the {self.height} x "
                f"{self.width} to pad to: choose a larger size, or crop first"
            )
        if not image.is_floating_point():
            raise ValueError("Pad fills with 0, the mean colour after Normalize: put it after Normalize")
        if rows == columns == 0:
            return sample | {"meta": {"padding": (0, 0)} | meta}
        top, left = rows // 2, columns // 2
        edges = (left, columns - left, top, rows - top)
        padded = {
            key: F.pad(value, edges, value=fill_of(key)) if isinstance(value, Tensor) else value
            for key, value in sample.items()
        }
        above, before = meta.get("padding", (0, 0))
        return padded | {"meta": meta | {"padding": (above + top, before + left)}}


def fill_of(key: str) -> float:
    """Value of padding: the mean colour for the image, the value of an invalid pixel for a label."""
    return MEAN_COLOUR if key == "image" else find(key).fill


class IgnoreAbsentPersons(nn.Module):
    """Marks all pixels of `human_parts` as invalid in images without persons.

    Such images contain no information about parts. Use it last, because it considers the image after the crop.

    Deviations from the paper: the augmentation it cites also marks depth 0 and normals of length 0 by 255; here
    losses and metrics treat these zeros as invalid.
    """

    def forward(self, sample: dict[str, Any]) -> dict[str, Any]:
        """Return the sample with `human_parts`, shape [1, H, W], all invalid or unchanged."""
        parts = sample.get("human_parts")
        if parts is None or ((parts > 0) & (parts < IGNORE)).any():
            return sample
        return sample | {"human_parts": parts.new_full(parts.shape, IGNORE)}
