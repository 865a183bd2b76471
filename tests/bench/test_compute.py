"""Training compute of an experiment, counted without data."""

import pytest
import torch
from torch import nn

from mtl.bench.cost import operations_per_image
from mtl.models.base import Outputs


class TwoLayers(nn.Module):
    """3x3 from 3 to 8 channels, then 1x1 to 5."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Conv2d(3, 8, 3, padding=1), nn.Conv2d(8, 5, 1)

    def forward(self, image: torch.Tensor) -> Outputs:
        return Outputs({"semseg": self.second(self.first(image))})


def test_forward_and_backward_are_counted_by_hand():
    first, second = 2 * 27 * 8 * 6 * 10, 2 * 8 * 5 * 6 * 10  # a multiplication and an addition each
    assert operations_per_image(TwoLayers, 6, 10) == 2 * first + 3 * second  # no gradient of the image


def test_lines_of_the_plan_have_their_steps_and_images(run_script):
    words = ["experiment=controls", "dataset=nyud", "backbone=resnet_tiny", "recipe.batch_size=5", "data=/nowhere"]
    code, out, error = run_script("compute", *words, 'plan.runs=["subset=depth,edge","weighter=avgnorm"]')
    assert (code, error) == (0, "")
    rows = [line.rsplit(maxsplit=3) for line in out.splitlines()[2:]]
    assert [(name, runs, steps) for name, runs, steps, _ in rows] == [
        ("subset=depth,edge", "2", "31,800"),  # 100 epochs of 795 images
        ("weighter=avgnorm", "1", "15,900"),
        ("all", "3", "47,700"),
    ]
    each = [float(operations) for *_, operations in rows]
    assert 0 < each[1] < 2 * each[0]
    assert each[2] == pytest.approx(each[0] + each[1], rel=0.02)


def test_epochs_of_an_unknown_number_of_images_are_refused(run_script):
    words = ["experiment=demo", "recipe.steps=null", 'plan.runs=["weighter=uniform"]']
    code, out, error = run_script("compute", *words)
    assert (code, out) == (1, "")
    assert error == "error: recipe.steps=null: dataset=rooms does not tell its images; give recipe.steps\n"
