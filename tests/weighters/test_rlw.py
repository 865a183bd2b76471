import math

import pytest
import sequences
import torch
from scipy import stats
from sequences import double, plain_step

from mtl.weighters import RLW


class Chosen(RLW):
    """RLW with numbers given by the test."""

    def draw(self) -> torch.Tensor:
        return double([math.log(1), math.log(2), math.log(5)])


def sample(number: int, tasks: int = 3) -> torch.Tensor:
    weighter, losses = RLW(tasks, seed=5), torch.ones(tasks).double()
    return torch.stack([weighter(losses).weights for _ in range(number)])  # [number, T]


def test_by_hand():
    assert Chosen(3)(torch.ones(3).double()).weights.tolist() == pytest.approx([1 / 8, 2 / 8, 5 / 8])


def test_inactive_task_leaves_its_share_to_the_others():
    weights = Chosen(3)(torch.ones(3).double(), active=torch.tensor([True, False, True])).weights
    assert weights.tolist() == pytest.approx([1 / 6, 0, 5 / 6])


def test_weights_sum_to_one_and_are_new_in_every_step():
    weights = sample(50)
    torch.testing.assert_close(weights.sum(1), torch.ones(50).double())
    assert len({tuple(row) for row in weights.tolist()}) == 50


def test_no_task_is_favoured():
    weights = sample(4000)
    deviation = weights.std(0) / math.sqrt(len(weights))
    assert ((weights.mean(0) - 1 / 3).abs() < 4 * deviation).all()


def test_log_ratio_of_two_weights_is_the_difference_of_two_normal_numbers():
    logs = sample(4000).log()
    for one, other in ((0, 1), (1, 2), (0, 2)):
        assert stats.kstest((logs[:, one] - logs[:, other]).numpy(), "norm", args=(0, math.sqrt(2))).pvalue > 0.01


def test_steps_are_independent():
    z = sample(4000).log()
    difference = z[:, 0] - z[:, 1]
    assert abs(torch.corrcoef(torch.stack([difference[:-1], difference[1:]]))[0, 1]) < 4 / math.sqrt(4000)


def test_losses_do_not_matter():
    left, right = RLW(3), RLW(3)
    assert torch.equal(left(double([1.0, 2.0, 3.0])).weights, right(double([0.0, 1e12, 1e-12])).weights)


def test_numbers_to_come_do_not_depend_on_labels_dtype_or_the_global_seed():
    left, right, losses = RLW(3), RLW(3), torch.ones(3)
    left(losses)
    torch.manual_seed(1)
    right(losses.double(), active=torch.zeros(3, dtype=torch.bool))
    torch.manual_seed(2)
    assert torch.equal(left(losses).weights, right(losses).weights)


def test_drawing_leaves_the_global_generator_alone():
    before = torch.get_rng_state()
    RLW(3)(torch.ones(3))
    assert torch.equal(torch.get_rng_state(), before)


def test_seed_sets_the_numbers():
    losses = torch.ones(3)
    assert torch.equal(RLW(3, seed=1)(losses).weights, RLW(3, seed=1)(losses).weights)
    assert not torch.equal(RLW(3, seed=1)(losses).weights, RLW(3, seed=2)(losses).weights)


def test_saved_state_resumes():
    sequences.assert_resumes(lambda: RLW(3), plain_step)


def test_skipped_step_leaves_no_trace():
    sequences.assert_skipped_step_leaves_no_trace(lambda: RLW(3), plain_step)


def test_no_active_task_gives_zero_weights():
    assert RLW(3)(torch.ones(3), active=torch.zeros(3, dtype=torch.bool)).weights.tolist() == [0, 0, 0]
