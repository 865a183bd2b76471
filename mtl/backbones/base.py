"""Base class of shared encoders."""

import math
from abc import ABC, abstractmethod

from torch import Tensor, nn


class Backbone(nn.Module, ABC):
    """Encoder of an image into feature maps that all tasks share.

    Attributes:
        channels: Channels of each map.
        strides: Pixels of the image per pixel of each map.
        multiple: Height and width of the image must be multiples of this; 1 allows any size.
    """

    channels: list[int]
    strides: list[int]
    multiple: int = 1

    @abstractmethod
    def forward(self, image: Tensor) -> list[Tensor]:
        """Feature maps [B, channels[i], H / strides[i], W / strides[i]] of an image [B, 3, H, W]."""

    @property
    @abstractmethod
    def last_layer(self) -> nn.Parameter | None:
        """Weight of the last shared layer, at which scope `last_layer` takes the task gradients; None: no layer."""

    def regions(self) -> list[nn.Module]:
        """Modules to compile one by one. That of the last layer ends at the maps and should hold little else.

        Task gradients at scope `last_layer` differentiate this one as a whole, once per task.
        """
        return []

    def nearest_size(self, height: int, width: int) -> tuple[int, int]:
        """The size to pad or crop an image to: a side is cropped by up to a quarter of `multiple`, else padded.

        For patches of 14 pixels this gives 448 x 574 on NYUD-v2 and 518 x 518 on PASCAL-Context, as in Table IV.
        """
        rows, columns = (max(1, math.ceil(side / self.multiple - 0.25)) * self.multiple for side in (height, width))
        return rows, columns

    def check_size(self, image: Tensor) -> None:
        """Check that the sides of the image are multiples of `multiple`.

        Raises:
            ValueError: Height or width is not.
        """
        height, width = image.shape[-2:]
        if height % self.multiple or width % self.multiple:
            rows, columns = self.nearest_size(height, width)
            raise ValueError(
                f"image of {height} x {width}: sides must be multiples of {self.multiple}; pad or crop to {rows} x "
                f"{columns}, in a run by dataset.height={rows} dataset.width={columns}"
            )
