"""Mean intersection over union, pixel accuracy and mean class accuracy."""

from typing import Annotated, Literal

import torch
from annotated_types import Interval
from torch import Tensor

from mtl.metrics.base import TaskMetric


class MeanIoU(TaskMetric):
    """Mean intersection over union, unweighted over classes, in percent.

    The mean over classes of IoU_c = TP_c / (TP_c + FP_c + FN_c), counted over the valid pixels of the split.

    The same counts give, in percent (Long et al., Fully Convolutional Networks for Semantic Segmentation, CVPR 2015,
    https://arxiv.org/abs/1411.4038):

    - `pixel_accuracy`: sum_c TP_c / number of valid pixels;
    - `mean_accuracy`: mean of TP_c / (TP_c + FN_c) over the same classes as the mean IoU.

    Args:
        num_classes: Number of classes K.
        absent: How a class without a true pixel enters the means. `zero` counts its IoU and accuracy as 0, whether or
            not it is predicted, as in all published code. `skip` averages only over the classes that occur in the
            labels of the split.
    """

    primary = "miou"
    higher_is_better = True
    confusion: Tensor

    def __init__(
        self, num_classes: Annotated[int, Interval(ge=2, le=255)], absent: Literal["zero", "skip"] = "zero"
    ) -> None:
        super().__init__()
        if absent not in ("zero", "skip"):
            raise ValueError(f"absent must be 'zero' or 'skip', got {absent!r}")
        self.num_classes = num_classes
        self.absent, self.preset = absent, f"absent_{absent}"
        confusion = torch.zeros(num_classes, num_classes, dtype=torch.int64)  # [K, K], true class x predicted class
        self.register_buffer("confusion", confusion)

    def update(self, prediction: Tensor, target: Tensor) -> None:
        """Add logits [B, K, H, W] and class indices [B, 1, H, W]."""
        guess, label = prediction.argmax(dim=1), target.squeeze(1).long()  # [B, H, W]
        valid = self.valid(target)[:, 0]
        size = self.num_classes**2
        pairs = torch.bincount(label[valid] * self.num_classes + guess[valid], minlength=size)
        if len(pairs) > size:
            raise ValueError(f"label {label[valid].max()} with {self.num_classes} classes: raise num_classes")
        self.confusion += pairs.view_as(self.confusion)

    def values(self) -> dict[str, float]:
        """Keys `miou`, `pixel_accuracy` and `mean_accuracy`, in percent."""
        hits = self.confusion.diagonal().double()  # [K]
        actual, predicted = self.confusion.sum(dim=1), self.confusion.sum(dim=0)  # [K]
        iou, accuracy = hits / (actual + predicted - hits).clamp(min=1), hits / actual.clamp(min=1)  # [K]
        if self.absent == "skip" or not actual.any():
            iou, accuracy = iou[actual > 0], accuracy[actual > 0]  # without a valid pixel: empty, so the mean is NaN
        return {
            "miou": 100 * iou.mean().item(),
            "pixel_accuracy": 100 * (hits.sum() / actual.sum()).item(),
            "mean_accuracy": 100 * accuracy.mean().item(),
        }
