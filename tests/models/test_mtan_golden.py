"""MTAN on a dilated ResNet-18, against the survey's code."""

import pytest
from golden_rule import assert_equals_reference


@pytest.mark.parametrize("mode", ["eval", "train"])
def test_outputs_gradients_and_statistics_are_those_of_the_reference(mode):
    assert_equals_reference("mtan_resnet18_nyud", mode)
