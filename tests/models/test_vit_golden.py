"""ViT-T/16 with heads on four taps, against the heads of SAK behind timm's encoder."""

import pytest
from golden_rule import assert_equals_reference


@pytest.mark.parametrize("mode", ["eval", "train"])
def test_outputs_gradients_and_statistics_are_those_of_the_reference(mode):
    assert_equals_reference("vit_tiny_multi_tap_nyud", mode)
