"""What holds for every weighter."""

import pytest
import torch
from matrices import gradient_cases

from mtl.weighters import AvgNorm, Fixed, Needs, Uniform, Weighter

WEIGHTERS = {"uniform": Uniform(4), "fixed": Fixed(4, [1, 2, 0.5, 50]), "avgnorm": AvgNorm(4)}
LOSSES = torch.tensor([0.5, 3.0, 0.01, 120.0]).double()


def weights_of(weighter: Weighter, rows: torch.Tensor, active: torch.Tensor | None = None) -> torch.Tensor:
    gradients = {Needs.LOSSES: None, Needs.GRAMIAN: rows @ rows.T, Needs.GRADIENTS: rows}[weighter.needs]
    return weighter(LOSSES, gradients, active).weights


@pytest.mark.parametrize("case", gradient_cases())
@pytest.mark.parametrize("name", WEIGHTERS)
def test_weights_are_finite_and_detached_whatever_the_gradients(name, case):
    weights = weights_of(WEIGHTERS[name], gradient_cases()[case])
    assert weights.shape == (4,)
    assert torch.isfinite(weights).all()
    assert (weights >= 0).all()
    assert not weights.requires_grad


@pytest.mark.parametrize("case", gradient_cases())
@pytest.mark.parametrize("name", WEIGHTERS)
def test_inactive_task_weighs_nothing_and_changes_nothing_for_the_others(name, case):
    rows = gradient_cases()[case]
    rows[1] = 0  # as the engine hands it over
    active = torch.tensor([True, False, True, True])
    weights = weights_of(WEIGHTERS[name], rows, active)
    assert weights[1] == 0
    others = weights_of(WEIGHTERS[name], rows)
    torch.testing.assert_close(weights[active], others[active])


@pytest.mark.parametrize("name", WEIGHTERS)
def test_no_active_task_gives_zero_weights(name):
    weights = weights_of(WEIGHTERS[name], torch.zeros(4, 3).double(), torch.zeros(4, dtype=torch.bool))
    assert weights.tolist() == [0, 0, 0, 0]


@pytest.mark.parametrize("name", WEIGHTERS)
def test_state_survives_saving(name):
    weighter = WEIGHTERS[name]
    weighter.load_state_dict(weighter.state_dict())
    rows = gradient_cases()["well"]
    assert torch.equal(weights_of(weighter, rows), weights_of(weighter, rows))


def test_no_task_is_refused():
    with pytest.raises(ValueError, match="num_tasks=0"):
        Uniform(0)
