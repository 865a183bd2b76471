"""Our metrics match the published meters on the same random maps."""

import numpy as np
import pytest
import torch
from drawn import drawn

from mtl.metrics import RMSE, MaxF, MeanAngularError, MeanIoU

THEIRS = {  # value of the meter; tolerance for its float32 sums and the 1e-8 in its denominators
    "semseg, SAK and the survey": (27.288462882303715, 1e-12),
    "human_parts, SAK and the survey": (44.63159234356272, 1e-12),
    "depth, SAK and the survey": (1.4723580593208399, 1e-9),
    "normals invpt, SAK": (45.36152749252358, 1e-9),
    "saliency plain, SAK": (65.47911167144775, 1e-5),
    "saliency invpt, InvPT": (61.88622117042542, 1e-5),
    "saliency survey, the survey": (51.67333673526877, 1e-9),
}


def ours(metric, prediction, truth):
    metric.update(torch.tensor(prediction), torch.tensor(truth))
    return metric.compute()[metric.primary]


@pytest.mark.parametrize("name", THEIRS)
def test_metric_equals_the_published_meter(name):
    task, _, preset = name.split(",")[0].partition(" ")
    prediction, truth = drawn(task)
    if task in ("semseg", "human_parts"):
        value = ours(MeanIoU(prediction.shape[1]), prediction, truth[:, None])
    elif task == "depth":
        value = ours(RMSE(), prediction[:, None], truth[:, None])
    elif task == "normals":
        vectors = 2 * truth.astype(np.float64) / 255 - 1  # decoded as in the loader of that code
        value = ours(MeanAngularError(preset), np.moveaxis(prediction, 3, 1), np.moveaxis(vectors, 3, 1))
    else:
        logits = np.log(np.clip(prediction, 1e-20, 1) / np.clip(1 - prediction, 1e-20, 1))
        value = ours(MaxF(preset), np.stack([0 * logits, logits], axis=1), truth[:, None])
    theirs, tolerance = THEIRS[name]
    assert value == pytest.approx(theirs, rel=tolerance)
