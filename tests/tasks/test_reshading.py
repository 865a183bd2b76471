"""Reshading: values from the renderer, and black is a valid label."""

import numpy as np
import pytest
import torch

from mtl.data.rooms import lighting
from mtl.data.rooms.camera import pixel_rays
from mtl.data.rooms.render import render
from mtl.data.rooms.spec import Spec
from mtl.data.stored import DamagedFileError, read_stored
from mtl.losses import MaskedL1
from mtl.metrics import RMSE
from mtl.task import Task
from mtl.tasks import find

SPEC = Spec(split="val", height=64, width=96, fov=66.0, clutter=1.0, seed=0, scenes=4, scans=1, views=1)


def test_it_is_ambient_light_and_the_cosine_to_the_camera():
    for scene in range(SPEC.scenes):
        maps, rays = render(SPEC, scene, 0, 0), pixel_rays(SPEC).reshape(3, SPEC.height, SPEC.width)
        facing = -(maps["normals"] * rays).sum(0) / np.linalg.norm(rays, axis=0)
        ambient = (maps["reshading"][0] - (1 - lighting.AMBIENT) * facing) / lighting.AMBIENT
        assert 0.55**3 - 1e-5 <= ambient.min() <= ambient.max() <= 1 + 1e-5  # darkest in a corner of three planes
        assert 0 < maps["reshading"].min() < maps["reshading"].max() <= 1


def test_colours_and_lamps_have_no_part_in_it(monkeypatch):
    one = render(SPEC, 0, 0, 0)
    monkeypatch.setattr("mtl.data.rooms.render.light", lambda spec, room, surface: 0 * surface.point + 0.5)
    other = render(SPEC, 0, 0, 0)
    assert not np.array_equal(one["image"], other["image"])
    assert np.array_equal(one["reshading"], other["reshading"])


def test_black_is_a_label_for_loss_and_metric():
    task = Task("reshading", 1, MaskedL1(), RMSE())
    prediction, target = torch.tensor([0.5, 0.5, 0.5]).view(1, 1, 1, 3), torch.tensor([0.0, -1.0, 0.5]).view(1, 1, 1, 3)
    total, count = task.loss(prediction, target)
    assert (total.item(), count.item()) == (0.5, 2)
    task.metric.update(prediction, target)
    assert task.metric.compute()["rmse"] == pytest.approx((0.25 / 2) ** 0.5)


def test_brightness_in_bytes_is_refused(tmp_path):
    np.save(tmp_path / "a.npy", np.full((2, 3), 255.0))
    with pytest.raises(DamagedFileError, match=r"not reshading as floats up to 10$"):
        find("reshading").read_prediction(read_stored(tmp_path / "a.npy", "reshading"), (2, 3))
