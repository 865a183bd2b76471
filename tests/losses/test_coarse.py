import math

import pytest
import torch

from mtl.losses import DepthClasses, EdgeClasses, NormalClasses


def test_depth_falls_into_classes_of_equal_width_on_a_log_scale():
    loss = DepthClasses(channels=2, nearest=1.0, farthest=4.0)
    depth = torch.tensor([0.5, 1.0, 1.9, 2.1, 3.9, 4.0, 9.0]).view(1, 1, 1, -1)
    assert loss.classes(depth).flatten().tolist() == [0, 0, 0, 1, 1, 1, 1]


def test_normals_are_in_the_class_of_the_nearest_direction():
    loss = NormalClasses(channels=40)
    directions = loss.directions
    torch.testing.assert_close(directions.norm(dim=1), torch.ones(40))
    assert (directions[:, 2] > 0).all()
    turned = torch.nn.functional.normalize(directions + 0.02, dim=1)
    for sign in (1, -1):  # of z, towards the camera or away from it
        towards = (turned * torch.tensor([1, 1, sign])).T[None, :, None]
        assert loss.classes(towards).flatten().tolist() == list(range(40))


def test_edges_weigh_more_by_hand():
    loss = EdgeClasses(positive_weight=0.95)
    logits = torch.tensor([0.0, math.log(3)]).view(1, 2, 1, 1).expand(1, 2, 1, 3)  # probability of an edge 3 / 4
    total, count = loss(logits, torch.tensor([1, 0, 255]).view(1, 1, 1, 3))
    assert total.item() == pytest.approx(-0.95 * math.log(0.75) - 0.05 * math.log(0.25))
    assert count == 2


def test_depths_in_the_wrong_order_are_refused():
    with pytest.raises(ValueError, match=r"farthest=1.0 must be above nearest=2.0"):
        DepthClasses(channels=4, nearest=2.0, farthest=1.0)
