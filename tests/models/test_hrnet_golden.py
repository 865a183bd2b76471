"""HRNet-W18-small-v2 with the head that fuses its maps, against the survey's code."""

import pytest
from golden_rule import assert_equals_reference


@pytest.mark.parametrize("mode", ["eval", "train"])
def test_outputs_gradients_and_statistics_are_those_of_the_reference(mode):
    assert_equals_reference("hrnet18_vanilla_nyud", mode)


@pytest.mark.parametrize(
    ("mode", "word", "seen"),
    [("eval", "upsample=nearest", "depth: relative error"), ("train", "bn_momentum=0.1", "norm of train_buffer")],
)
def test_networks_of_other_numbers_are_told_apart(mode, word, seen):
    with pytest.raises(AssertionError, match=seen):
        assert_equals_reference("hrnet18_vanilla_nyud", mode, f"backbone.encoder.{word}")
