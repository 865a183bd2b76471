import pytest
import torch
from matrices import gradient_cases
from sequences import double, golden_sequences
from torch import Tensor

from mtl.weighters import AlignedMTL


def weights_of(rows: Tensor) -> Tensor:
    return AlignedMTL(len(rows))(torch.ones(len(rows)), rows @ rows.T).weights


def gramian_weights(gramian: list[list[float]]) -> list[float]:
    return AlignedMTL(len(gramian))(torch.ones(len(gramian)), double(gramian)).weights.tolist()


def test_by_hand():
    assert gramian_weights([[1.0, 0.0], [0.0, 4.0]]) == pytest.approx([1, 0.5])
    assert gramian_weights([[2.0, 1.0], [1.0, 2.0]]) == pytest.approx([0.577350, 0.577350], abs=1e-6)
    assert gramian_weights([[9.0]]) == [1]


@pytest.mark.parametrize("case", ["well", "conflict", "zero", "nearly identical", "tiny", "huge"])
def test_sum_is_that_of_the_aligned_gradients(case):
    rows = gradient_cases()[case]
    left, lengths, right = torch.linalg.svd(rows, full_matrices=False)
    kept = lengths > 1e-7 * lengths.max()
    aligned = lengths[kept].min() * left[:, kept] @ right[kept]  # [T, P]
    scale = rows.norm(dim=1).max().item()
    torch.testing.assert_close(weights_of(rows) @ rows, aligned.sum(0), rtol=1e-6, atol=1e-7 * scale)


@pytest.mark.parametrize("case", gradient_cases())
def test_common_scale_cancels_and_no_weight_exceeds_the_root_of_the_number_of_tasks(case):
    rows = gradient_cases()[case]
    assert weights_of(rows).abs().max() <= 2 + 1e-9
    if case in ("well", "conflict"):
        torch.testing.assert_close(weights_of(1e6 * rows), weights_of(rows))


def test_identical_gradients_are_summed_and_opposed_ones_cancel():
    assert weights_of(gradient_cases()["identical"]).tolist() == pytest.approx([1] * 4)
    rows = gradient_cases()["opposed"]
    assert (weights_of(rows) @ rows).tolist() == pytest.approx([0] * 12, abs=1e-12)


def test_vanished_gradient_weighs_one_and_leaves_the_others_alone():
    rows, others = gradient_cases()["zero"], [0, 1, 3]
    weights = weights_of(rows)
    assert weights[2] == 1
    torch.testing.assert_close(weights[others], weights_of(rows[others]))


def test_without_any_gradient_all_weights_are_one():
    assert weights_of(torch.zeros(3, 5)).tolist() == [1, 1, 1]


@pytest.mark.parametrize(("file", "case"), golden_sequences("aligned_mtl"))
def test_golden(file, case):
    if file["hyperparameters"].get("scale_mode", "min") != "min":  # lengths that the paper does not use
        return
    rows, expected = double(case["J"]), double(case["expected"]["grad"])
    factor = case["T"] if file["source"] == "TorchJD" else 1  # it prefers each of T tasks with 1/T
    tolerance = {"badly": 1e-7, "colinear": 1e-6}.get(case["kind"], 1e-10)  # their Gramians are nearly singular
    atol = tolerance * rows.abs().max().item()
    torch.testing.assert_close(weights_of(rows) @ rows, factor * expected, rtol=tolerance, atol=atol)
