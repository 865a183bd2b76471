import json
from pathlib import Path

import pytest
import torch
from matrices import gradient_cases

from mtl.weighters import AvgNorm

GOLDEN = json.loads((Path(__file__).parent.parent / "golden/weighters/avgnorm__formula.json").read_text())["cases"]


def weights_of(rows: torch.Tensor) -> torch.Tensor:
    return AvgNorm(len(rows))(torch.ones(len(rows)), rows @ rows.T).weights


def test_by_hand():
    rows = torch.tensor([[3.0, 0.0], [0.0, 4.0]])  # the sum has norm 5
    assert weights_of(rows).tolist() == pytest.approx([5 / 3, 5 / 4])


@pytest.mark.parametrize("case", ["well", "badly", "conflict", "colinear", "identical", "tiny", "huge"])
def test_all_scaled_gradients_are_as_long_as_the_sum(case):
    rows = gradient_cases()[case]
    scaled = (weights_of(rows)[:, None] * rows).norm(dim=1)
    torch.testing.assert_close(scaled, rows.sum(0).norm().expand(4), rtol=1e-6, atol=0)


def test_vanished_gradient_keeps_weight_one_and_leaves_the_others_alone():
    rows = gradient_cases()["zero"]
    others = [0, 1, 3]
    weights = weights_of(rows)
    assert weights[2] == 1
    torch.testing.assert_close(weights[others], weights_of(rows[others]))


def test_a_gradient_is_vanished_only_below_a_trillionth_of_the_longest():
    rows = torch.eye(2).double()
    assert weights_of(rows * torch.tensor([[1.0], [1e-11]]))[1] == pytest.approx(1e11)
    assert weights_of(rows * torch.tensor([[1.0], [1e-13]]))[1] == 1


def test_cancelling_gradients_switch_every_task_off():
    assert weights_of(torch.tensor([[1.0, 2.0], [-1.0, -2.0]])).tolist() == [0, 0]


def test_without_any_gradient_all_weights_are_one():
    assert weights_of(torch.zeros(3, 5)).tolist() == [1, 1, 1]


@pytest.mark.parametrize("case", [c for c in GOLDEN if c["kind"] != "zero"], ids=lambda c: c["id"])
def test_golden(case):
    rows = torch.tensor(case["J"], dtype=torch.float64)
    weights = weights_of(rows)
    expected = torch.tensor(case["expected"]["weights"], dtype=torch.float64)
    torch.testing.assert_close(weights, expected, rtol=1e-10, atol=1e-10)
    torch.testing.assert_close(
        weights @ rows, torch.tensor(case["expected"]["grad"], dtype=torch.float64), rtol=1e-9, atol=1e-9
    )
