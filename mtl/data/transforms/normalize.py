"""The last step of every pipeline: typed uint8 samples become plain tensors a network can read."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn


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
