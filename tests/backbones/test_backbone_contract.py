import pytest
import torch

from mtl.backbones import Backbone


class Strict(Backbone):
    multiple = 32
    last_layer = None

    def forward(self, image):
        return [image]


@pytest.mark.parametrize("size", [(448, 577), (449, 576)])
def test_size_that_is_no_multiple_is_refused_by_name(size):
    with pytest.raises(ValueError, match=f"{size[0]} x {size[1]}.*multiples of 32"):
        Strict().check_size(torch.empty(1, 3, *size))


def test_multiple_in_both_directions_is_accepted():
    Strict().check_size(torch.empty(1, 3, 448, 576))
