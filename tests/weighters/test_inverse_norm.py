import pytest
import torch
from matrices import gradient_cases
from sequences import double, golden_sequences

from mtl.weighters import InverseNorm


def weights_of(rows: torch.Tensor) -> torch.Tensor:
    return InverseNorm(len(rows))(torch.ones(len(rows)), rows @ rows.T).weights


def test_by_hand():
    assert weights_of(torch.tensor([[3.0, 4.0], [0.0, 2.0]])).tolist() == pytest.approx([1 / 5, 1 / 2])


@pytest.mark.parametrize("case", ["well", "badly", "conflict", "colinear", "identical", "opposed", "tiny", "huge"])
def test_every_weighted_gradient_has_length_one(case):
    rows = gradient_cases()[case]
    torch.testing.assert_close((weights_of(rows)[:, None] * rows).norm(dim=1), torch.ones(4).double())


def test_vanished_gradient_keeps_weight_one_and_leaves_the_others_alone():
    rows, others = gradient_cases()["zero"], [0, 1, 3]
    weights = weights_of(rows)
    assert weights[2] == 1
    torch.testing.assert_close(weights[others], weights_of(rows[others]))


def test_without_any_gradient_all_weights_are_one():
    assert weights_of(torch.zeros(3, 5)).tolist() == [1, 1, 1]


@pytest.mark.parametrize(("file", "case"), golden_sequences("inv_grad_norm"))
def test_golden(file, case):
    rows = double(case["J"])
    there = rows.norm(dim=1) > 0  # the recorded weight of a zero row is infinite: there our own rule holds
    weights, expected = weights_of(rows), double([float(w) for w in case["expected"]["weights"]])
    torch.testing.assert_close(weights[there], expected[there], rtol=1e-10, atol=0)
    if there.all():
        torch.testing.assert_close(weights @ rows, double(case["expected"]["grad"]), rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize(("file", "case"), golden_sequences("ngdiff"))
def test_golden_of_normalised_gradients(file, case):
    """NGDiff, which unlearns some tasks, is this rule where it learns all of them."""
    rows, expected = double(case["J"]), case["expected"]
    weights = weights_of(rows)
    torch.testing.assert_close(weights, double(expected["weights_all_descend"]), rtol=1e-10, atol=0)
    torch.testing.assert_close(weights @ rows, double(expected["grad_all_descend"]), rtol=1e-10, atol=1e-10)
