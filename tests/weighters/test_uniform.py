import torch

from mtl.weighters import Uniform


def test_every_task_weighs_one():
    update = Uniform(3)(torch.tensor([1.0, 20.0, 0.3]))
    assert update.weights.tolist() == [1, 1, 1]
    assert update.shared_weights is None
    assert update.direction is None
