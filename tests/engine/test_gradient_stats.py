import math

import pytest
import torch

import mtl
from mtl.engine.gradient_stats import gradient_stats
from mtl.weighters.base import Needs, Update, Weighter


def stats(rows: list[list[float]], weights: list[float]) -> dict[str, float]:
    rows, weights = torch.tensor(rows).double(), torch.tensor(weights)
    ones = torch.ones(len(weights))
    gradients = mtl.Gradients(ones, weights, weights, ones.bool(), rows @ rows.T, None, ~ones.bool())
    return gradient_stats(gradients, ["depth", "edge"])


def test_by_hand():
    values = stats([[3.0, 0.0], [4.0, 4.0]], [2.0, 1.0])  # update (10, 4)
    expected = {
        "gradient/norm/depth": 3,
        "gradient/norm/edge": math.sqrt(32),
        "gradient/weighted_norm/depth": 6,
        "gradient/weighted_norm/edge": math.sqrt(32),
        "gradient/alignment/depth": 10 / math.sqrt(116),
        "gradient/alignment/edge": 56 / math.sqrt(32 * 116),
        "gradient/dot/depth-edge": 12,
        "gradient/cosine/depth-edge": math.sqrt(0.5),
        "gradient/similarity/depth-edge": 2 * 3 * math.sqrt(32) / 41,
    }
    assert values == pytest.approx(expected)


def test_vanished_gradient_has_cosine_zero():
    values = stats([[0.0, 0.0], [1.0, 0.0]], [1.0, 1.0])
    assert values["gradient/cosine/depth-edge"] == 0
    assert values["gradient/alignment/depth"] == 0
    assert all(math.isfinite(v) for v in values.values())


class Sum(Weighter):
    """The update is the sum of the gradients."""

    needs = Needs.GRADIENTS
    native = "sum"

    def forward(self, losses, gradients=None, active=None):
        return Update(weights=torch.ones_like(losses), direction=gradients.sum(0))


def test_alignment_with_a_direction_of_millions_of_parameters():
    weight = torch.randn(4_000_000, requires_grad=True)
    features = mtl.cut([weight * 2], 2)
    losses = [(features[task][0] ** power).sum() for task, power in enumerate((2, 3))]
    found = mtl.backward(losses, features, Sum(2), shared=[weight], statistics="shared")
    rows = torch.stack([8 * weight, 24 * weight**2]).detach().double()
    exact = torch.cosine_similarity(rows, rows.sum(0), dim=1)
    torch.testing.assert_close(found.alignment.double(), exact, rtol=0, atol=1e-4)
