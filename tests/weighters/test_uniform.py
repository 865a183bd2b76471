import pytest
import torch
from sequences import double, golden_sequences

from mtl.weighters import Uniform


def test_every_task_weighs_one():
    update = Uniform(3)(torch.tensor([1.0, 20.0, 0.3]))
    assert update.weights.tolist() == [1, 1, 1]
    assert update.shared_weights is None
    assert update.direction is None


@pytest.mark.parametrize(("file", "case"), golden_sequences("ew"))
def test_golden(file, case):
    weights = Uniform(case["T"])(double(case["losses"])).weights
    assert weights.tolist() == case["expected"]["weights"] == case["expected"]["head_scale"]
    torch.testing.assert_close(weights @ double(case["J"]), double(case["expected"]["grad"]), rtol=1e-12, atol=1e-12)
