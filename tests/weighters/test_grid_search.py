import pytest
import torch

from mtl.weighters import Fixed


def test_weights_are_the_constants_and_not_normalised():
    assert Fixed(4, [1, 1, 2, 50])(torch.ones(4)).weights.tolist() == [1, 1, 2, 50]


@pytest.mark.parametrize("weights", [[1, 2], [1, 2, 3, 4, 5], [1, -1, 1, 1], [1, float("nan"), 1, 1]])
def test_wrong_weights_are_refused_by_value(weights):
    with pytest.raises(ValueError, match=str(weights[1])):
        Fixed(4, weights)
