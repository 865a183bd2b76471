import subprocess
import sys
from dataclasses import dataclass

import numpy as np
import pytest
import torch

from mtl.losses import MaskedL1
from mtl.metrics import RMSE
from mtl.task import Task
from mtl.tasks import Notation, find, known, valid
from mtl.tasks.base import LABELS
from mtl.tasks.families import Measure


@pytest.fixture
def height():
    """A task defined outside mtl."""

    @dataclass(frozen=True)
    class Height(Measure):
        name = "height"
        fill = -5.0
        unit = "m"
        largest = 10.0
        colour = "#000000"
        notations = {"rmse": Notation("RMSE", "m", 3, higher_is_better=False)}  # noqa: RUF012
        bar = "metres above the floor"

    yield Height
    del LABELS["height"]


def test_pixel_is_valid_where_any_channel_differs_from_the_fill():
    label = np.array([[0.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, -1.0, 0.0]]).reshape(3, 1, 3)
    assert valid(label, 0).tolist() == [[[False, True, True]]]
    assert valid(torch.from_numpy(label)[None], 0).tolist() == [[[[False, True, True]]]]
    assert valid(torch.tensor([[[7, 255]]], dtype=torch.uint8), 255).tolist() == [[[True, False]]]


def test_unknown_label_is_refused_with_the_known_ones():
    with pytest.raises(ValueError, match=r"no label is named hight, only boundary, depth, .*add mtl/tasks/hight\.py"):
        find("hight")


def test_label_is_always_the_same_object():
    assert find("depth") is find("depth")
    assert find("depth") in known()


def test_class_with_a_name_is_found_by_it(height):
    assert type(find("height")) is height
    assert find("height") in known()


def test_loss_and_metric_learn_from_the_label_what_is_invalid(height):
    task = Task("height", 1, MaskedL1(), RMSE(), label=height())
    assert (task.loss.fill, task.metric.fill) == (-5, -5)
    prediction, target = torch.ones(1, 1, 1, 2), torch.tensor([-5.0, 0.0]).view(1, 1, 1, 2)
    assert [number.item() for number in task.loss(prediction, target)] == [1, 1]


def test_label_of_another_task_is_refused(height):
    with pytest.raises(ValueError, match="task width has the label of height: give it a class with its own name"):
        Task("width", 1, MaskedL1(), RMSE(), label=height())


def test_room_needs_numpy_alone():
    heavy = "torch torchvision scipy PIL matplotlib cv2"
    code = (
        "import sys, types; mtl = types.ModuleType('mtl'); mtl.__path__ = ['mtl']; sys.modules['mtl'] = mtl\n"
        f"import mtl.tasks; mtl.tasks.known(); print(*[name for name in '{heavy}'.split() if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
