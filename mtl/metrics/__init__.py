from mtl.metrics.base import TaskMetric
from mtl.metrics.boundary import Protocol, boundary_counts
from mtl.metrics.max_f import MaxF
from mtl.metrics.mean_angular_error import MeanAngularError
from mtl.metrics.mean_iou import MeanIoU
from mtl.metrics.ods_f import OdsF
from mtl.metrics.rmse import RMSE

__all__ = [
    "RMSE",
    "MaxF",
    "MeanAngularError",
    "MeanIoU",
    "OdsF",
    "Protocol",
    "TaskMetric",
    "boundary_counts",
]
