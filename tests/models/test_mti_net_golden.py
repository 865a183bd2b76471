"""MTI-Net on HRNet-W18-small-v2, against the survey's code."""

import pytest
from golden_rule import assert_equals_reference


@pytest.mark.parametrize("mode", ["eval", "train"])
def test_outputs_gradients_and_statistics_are_those_of_the_reference(mode):
    assert_equals_reference("mti_net_nyud", mode)


def test_network_without_biases_in_squeeze_and_excitation_is_told_apart():
    with pytest.raises(AssertionError, match="squeeze_excite"):
        assert_equals_reference("mti_net_nyud", "eval", "model.network.squeeze_bias=false")
