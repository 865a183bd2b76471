from pathlib import Path

import pytest

from mtl import metrics
from mtl.report.names import METHODS, METRICS, method_label

WEIGHTERS = sorted((Path(__file__).parents[2] / "configs" / "weighter").glob("*.yaml"))


@pytest.mark.parametrize("path", WEIGHTERS, ids=lambda path: path.stem)
def test_every_weighter_has_a_name_in_print(path):
    assert path.stem in METHODS


def test_unknown_weighter_keeps_its_name():
    assert method_label("avgnorm") == "AvgNorm"
    assert method_label("ours") == "ours"


def test_every_primary_metric_has_a_notation():
    kinds = (metrics.MeanIoU, metrics.RMSE, metrics.MeanAngularError, metrics.MaxF, metrics.OdsF)
    assert {kind.primary for kind in kinds} == set(METRICS)
