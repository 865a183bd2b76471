"""InvPT on ViT-T/16, against its published code."""

import pytest
from golden_rule import assert_equals_reference


@pytest.mark.parametrize("mode", [pytest.param("eval", marks=pytest.mark.slow), "train"])  # 15 s each
def test_outputs_gradients_and_statistics_are_those_of_the_reference(mode):
    assert_equals_reference("invpt_vit_tiny_nyud", mode)
