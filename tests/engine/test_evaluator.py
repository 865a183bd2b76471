import math

import pytest
import torch
from torch import nn

from mtl.engine.evaluator import Evaluator, gain_over, selection_score, without_padding
from mtl.metrics import RMSE, MeanIoU
from mtl.models import Outputs
from mtl.task import Task


def tasks() -> list[Task]:
    return [
        Task("semseg", 2, nn.Identity(), MeanIoU(num_classes=2)),
        Task("depth", 1, nn.Identity(), RMSE(), truth="far"),
    ]


class Constant(nn.Module):
    """Predicts class 1 and 3 metres everywhere."""

    def forward(self, image):
        plane = torch.ones_like(image[:, :1])
        return Outputs(final={"semseg": torch.cat([-plane, plane], 1), "depth": 3 * plane})


def batch(padding: int) -> dict:
    """Half of the pixels are class 1; all lie at 5 metres; `far` differs from `depth` on purpose."""
    label = torch.zeros(2, 1, 4, 6, dtype=torch.uint8)
    label[..., :3] = 1
    far = torch.full((2, 1, 4, 6), 5.0)
    pad = (padding,) * 4
    return {
        "image": torch.zeros(2, 3, 4 + 2 * padding, 6 + 2 * padding),
        "semseg": nn.functional.pad(label, pad, value=1),
        "far": nn.functional.pad(far, pad, value=9.0),
        "depth": nn.functional.pad(far, pad, value=9.0) * 2,
        "meta": [{"id": str(i), "size": (4, 6), "padding": (padding, padding)} for i in range(2)],
    }


@pytest.mark.parametrize("padding", [0, 2])
def test_scores_are_those_of_the_image_without_its_padding(padding):
    model = Constant()
    seen = []
    scores = Evaluator(tasks(), [batch(padding)], torch.device("cpu")).run(model, lambda *counts: seen.append(counts))
    assert seen == [(1, 1)]
    assert scores["semseg"]["miou"] == pytest.approx(25)  # class 1: 12 of 24 right, class 0: none
    assert scores["depth"]["rmse"] == pytest.approx(2)
    assert model.training


def test_images_that_lie_differently_are_cropped_one_by_one():
    maps = torch.arange(2 * 5 * 5.0).view(2, 1, 5, 5)
    meta = [{"size": (2, 3), "padding": (0, 1)}, {"size": (3, 2), "padding": (2, 2)}]
    parts = [part for part, _ in without_padding(maps, maps, meta)]
    assert [p.shape[-2:] for p in parts] == [(2, 3), (3, 2)]
    assert parts[0][0, 0, 0].tolist() == [1, 2, 3]
    assert parts[1][0, 0, 0].tolist() == [37, 38]


def test_images_that_a_metric_does_not_judge_are_left_out(monkeypatch):
    judged = tasks()
    monkeypatch.setattr(judged[0].metric, "judges", lambda image: image == "1")
    two = batch(2)
    two["semseg"][0] = 1  # the image that counts keeps its zeros
    assert Evaluator(judged, [two], torch.device("cpu")).run(Constant())["semseg"]["miou"] == pytest.approx(25)
    monkeypatch.setattr(judged[0].metric, "judges", lambda image: False)
    scores = Evaluator(judged, [two], torch.device("cpu")).run(Constant())
    assert math.isnan(scores["semseg"]["miou"])
    assert scores["depth"]["rmse"] == pytest.approx(2)


def test_second_run_starts_from_nothing():
    evaluator = Evaluator(tasks(), [batch(0)], torch.device("cpu"))
    assert evaluator.run(Constant()) == evaluator.run(Constant())


def scores(miou: float, rmse: float) -> dict:
    return {"semseg": {"miou": miou}, "depth": {"rmse": rmse}}


def test_selection_is_the_mean_signed_logarithm():
    assert selection_score(scores(40, 0.5), tasks()) == pytest.approx((math.log(40) - math.log(0.5)) / 2)
    assert selection_score(scores(44, 0.5), tasks()) == pytest.approx(
        selection_score(scores(40, 0.5 / 1.1), tasks())  # ten percent more of one is ten percent less of the other
    )


@pytest.mark.parametrize("bad", [scores(math.nan, 0.5), scores(0, 0.5), scores(40, math.nan)])
def test_a_task_without_a_value_is_never_selected(bad):
    assert selection_score(bad, tasks()) == -math.inf


def test_gain_is_the_mean_signed_percentage():
    assert gain_over({"semseg": 40, "depth": 0.5}, scores(44, 0.6), tasks()) == pytest.approx((10 - 20) / 2)
    assert math.isnan(gain_over(None, scores(44, 0.6), tasks()))
