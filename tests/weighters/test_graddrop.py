import pytest
import torch
from matrices import gradient_cases
from sequences import double, golden_sequences
from torch import Tensor

from mtl.weighters import GradDrop


class Thrown(GradDrop):
    """GradDrop with random numbers given by the test."""

    coins: Tensor

    def draw_mask(self, size: int) -> Tensor:
        assert size == len(self.coins)
        return self.coins


def direction(rows: Tensor, coins: Tensor, leak: float = 0.0) -> Tensor:
    weighter = Thrown(len(rows), leak)
    weighter.coins = coins
    return weighter(torch.ones(len(rows)), rows).direction


def test_by_hand():
    rows = double([[3.0, 3.0, -2.0, 0.0], [-1.0, -1.0, -5.0, 0.0]])  # purity 3/4, 3/4, 0 and none
    coins = double([0.7, 0.8, 0.0, 0.5])
    assert direction(rows, coins).tolist() == [3, -1, -7, 0]
    assert direction(rows, coins, leak=0.5).tolist() == [2.5, 0.5, -7, 0]


def test_heads_are_left_as_they_are():
    update = GradDrop(3, leak=0)(torch.ones(3), torch.randn(3, 7), torch.tensor([True, False, True]))
    assert update.weights.tolist() == [1, 0, 1]
    assert update.shared_weights is None


def test_full_leak_is_the_sum():
    rows = gradient_cases()["conflict"]
    torch.testing.assert_close(GradDrop(4, leak=1)(torch.ones(4), rows).direction, rows.sum(0))


def test_pure_coordinates_are_not_left_to_chance():
    rows = gradient_cases()["well"].abs() * double([1.0, -1.0] * 6)
    for coin in (0.0, 0.5, 1 - 2**-24):
        torch.testing.assert_close(direction(rows, torch.full((12,), coin)), rows.sum(0))


def test_a_short_part_that_is_kept_is_kept_exactly():
    rows = double([[1e-20], [-1.0]])
    assert direction(rows, double([0.0])).item() == 1e-20


def test_each_sign_passes_as_often_as_it_is_pure():
    rows, draws = gradient_cases()["conflict"][:, :6], 20_000
    weighter = GradDrop(4, leak=0)
    repeated = rows.repeat(1, draws)  # coordinates are independent: one step is as good as many
    found = weighter(torch.ones(4), repeated).direction.view(draws, 6)
    positive, negative = rows.clamp(min=0).sum(0), rows.clamp(max=0).sum(0)
    purity = positive / (positive - negative)
    expected = purity * positive + (1 - purity) * negative
    spread = (purity * (1 - purity)).sqrt() * (positive - negative)
    assert ((found.mean(0) - expected).abs() <= 4 * spread / draws**0.5 + 1e-12).all()
    assert all(torch.isclose(found, sign).any(0)[spread > 0].all() for sign in (positive, negative))


def test_coins_are_uniform():
    coins = GradDrop(2, leak=0).draw_mask(100_000).double()
    assert coins.min() >= 0
    assert coins.max() < 1
    assert coins.mean().item() == pytest.approx(0.5, abs=4 / (12 * 100_000) ** 0.5)
    assert coins.var().item() == pytest.approx(1 / 12, rel=0.02)


def test_coins_depend_on_the_seed_and_the_saved_state_alone():
    first, second, other = GradDrop(2, 0, seed=3), GradDrop(2, 0, seed=3), GradDrop(2, 0, seed=4)
    first.draw_mask(5)
    torch.manual_seed(0)
    second.load_state_dict(first.state_dict())
    drawn = torch.stack([first.draw_mask(1000) for _ in range(3)])
    torch.manual_seed(1)
    assert torch.equal(drawn, torch.stack([second.draw_mask(1000) for _ in range(3)]))
    assert not torch.equal(drawn[0], drawn[1])
    assert not torch.equal(drawn[2], other.draw_mask(1000))


def test_inactive_task_is_as_if_it_did_not_exist():
    rows, coins = gradient_cases()["conflict"], torch.rand(12, generator=torch.Generator().manual_seed(0))
    rows[1] = 0  # as the engine hands it over
    torch.testing.assert_close(direction(rows, coins), direction(rows[[0, 2, 3]], coins))


@pytest.mark.parametrize("case", gradient_cases())
@pytest.mark.parametrize("kind", [torch.float32, torch.float64])
def test_direction_is_finite_and_as_precise_as_the_gradients(case, kind):
    rows = gradient_cases()[case].clamp(-1e37, 1e37).to(kind)  # within float32, with room for a sum
    update = GradDrop(4, leak=0.1)(torch.ones(4), rows).direction
    assert torch.isfinite(update).all()
    assert update.dtype is kind


def test_without_any_gradient_the_direction_is_zero():
    assert GradDrop(3, leak=0)(torch.ones(3), torch.zeros(3, 5)).direction.tolist() == [0] * 5


@pytest.mark.parametrize("leak", [-0.1, 1.5, float("nan")])
def test_leak_that_is_no_part_is_refused_by_value(leak):
    with pytest.raises(ValueError, match=str(leak)):
        GradDrop(3, leak=leak)


@pytest.mark.parametrize(("file", "case"), [*golden_sequences("graddrop"), *golden_sequences("graddrop_allparams")])
def test_golden(file, case):
    found = direction(double(case["J"]), double(case["U"]), file["hyperparameters"].get("leak", 0.0))
    expected = double(case["expected"]["grad"])
    if file["source"] != "TorchJD":  # CAGrad's and VICO's take the mean over the tasks
        expected *= case["T"]
    torch.testing.assert_close(found, expected, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize(("file", "case"), golden_sequences("graddrop_rep"))
def test_golden_of_a_representation(file, case):
    """LibMTL judges a batch's representation by the sign of its entries times their gradients, summed over the batch.

    Its mask is the same for the whole batch; so what it lets through, summed in the same way, is our direction.
    """
    signs = double(case["expected"]["rep"]).sign()  # [B, P]
    rows = (signs * double(case["expected"]["rep_task_grads"])).sum(1)  # [T, P]
    expected = (signs * double(case["expected"]["rep_grad_out"])).sum(0)
    torch.testing.assert_close(direction(rows, double(case["U"])), expected, rtol=1e-10, atol=1e-10)
