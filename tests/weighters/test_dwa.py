import math

import pytest
import sequences
import torch
from sequences import double, golden_sequences

from mtl.weighters import DWA, Weighter


def step(weighter: Weighter, index: int, losses: torch.Tensor, active: torch.Tensor | None = None) -> torch.Tensor:
    """Epochs of two steps."""
    weights = weighter(losses, active=active).weights
    if index % 2 == 1 and index > 0:
        weighter.after_epoch()
    return weights


def make(tasks: int = 3) -> DWA:
    return DWA(tasks, temperature=2.0)


def after_epochs(*epochs: list, temperature: float = 1.0) -> DWA:
    """A weighter that has seen one batch in each epoch; None is a task without labels."""
    weighter = DWA(len(epochs[0]), temperature=temperature)
    for losses in epochs:
        active = torch.tensor([loss is not None for loss in losses])
        weighter(double([loss or 0.0 for loss in losses]), active=active)
        weighter.after_epoch()
    return weighter


def weights_of(weighter: DWA) -> list:
    return weighter(torch.ones(weighter.num_tasks).double()).weights.tolist()


def shares(*ratios: float) -> list:
    total = sum(math.exp(ratio) for ratio in ratios)
    return pytest.approx([len(ratios) * math.exp(ratio) / total for ratio in ratios], rel=1e-12)


def test_by_hand():
    weighter = after_epochs([4.0, 1.0], [2.0, 1.0], temperature=0.5)  # ratios 1/2 and 1
    assert weights_of(weighter) == shares(1.0, 2.0)


def test_mean_is_over_the_batches_of_an_epoch():
    weighter = DWA(2, temperature=1.0)
    for batches in ([[1.0, 3.0], [3.0, 5.0]], [[1.0, 1.0], [1.0, 1.0], [4.0, 4.0]]):  # means 2, 4 and then 2, 2
        for losses in batches:
            weighter(double(losses))
        weighter.after_epoch()
    assert weights_of(weighter) == shares(1.0, 0.5)


def test_first_two_epochs_have_weight_one():
    weighter = make()
    for index, losses in enumerate(sequences.stream(6, 3)):
        weights = step(weighter, index, losses).tolist()
        assert (weights == [1, 1, 1]) == (index < 4)


def test_weights_sum_to_the_number_of_active_tasks():
    weighter, losses = after_epochs([4.0, 1.0, 2.0], [2.0, 1.0, 3.0]), torch.ones(3).double()
    assert weighter(losses).weights.tolist() == shares(0.5, 1.0, 1.5)
    weights = weighter(losses, active=torch.tensor([True, False, True])).weights
    assert weights[1] == 0
    assert weights[[0, 2]].tolist() == shares(0.5, 1.5)


def test_slower_task_weighs_more_and_a_high_temperature_evens_that_out():
    cold, warm = (weights_of(after_epochs([1.0, 1.0], [0.1, 0.9], temperature=t)) for t in (0.1, 10))
    assert cold[1] > warm[1] > 1 > warm[0] > cold[0]


def test_batches_without_labels_do_not_lower_a_tasks_mean():
    weighter = DWA(2, temperature=1.0)
    for _ in range(2):
        weighter(double([2.0, 4.0]))
        weighter(double([2.0, 0.0]), active=torch.tensor([True, False]))
        weighter.after_epoch()
    assert weights_of(weighter) == [1, 1]


def test_epoch_without_labels_does_not_exist_for_that_task():
    weighter = after_epochs([1.0, 4.0], [1.0, 2.0], [0.5, None])
    assert weights_of(weighter) == shares(0.5, 0.5)
    weighter.after_epoch()  # task 0: 1.0 after 0.5, task 1: 1.0 after 2.0
    assert weights_of(weighter) == shares(2.0, 0.5)


def test_task_that_has_its_first_labels_late_stands_still_until_it_has_two_epochs():
    assert weights_of(after_epochs([4.0, None], [2.0, None], [1.0, 7.0])) == shares(0.5, 1.0)


def test_epoch_without_a_batch_changes_nothing():
    weighter = after_epochs([4.0, 1.0], [2.0, 1.0])
    weighter.after_epoch()
    assert weights_of(weighter) == shares(0.5, 1.0)


@pytest.mark.parametrize(
    ("before", "last", "ratio"),
    [(0.0, 0.0, 1), (0.0, 2.0, 1), (-1.0, 2.0, 1), (-2.0, -1.0, 1), (1.0, -1.0, 1), (1.0, 0.0, 0)],
)
def test_ratio_without_meaning_is_one(before, last, ratio):
    assert weights_of(after_epochs([before, 1.0], [last, 0.5])) == shares(ratio, 0.5)


def test_state_of_a_task_without_labels_is_untouched():
    weighter = after_epochs([4.0, 1.0], [2.0, 3.0])
    before = {name: value.clone() for name, value in weighter.state_dict().items()}
    weighter(double([9.0, 0.0]), active=torch.tensor([True, False]))
    weighter.after_epoch()
    assert all(value[1] == before[name][1] for name, value in weighter.state_dict().items())


def test_saved_state_resumes_within_an_epoch():
    sequences.assert_resumes(make, step)


def test_skipped_step_leaves_no_trace():
    sequences.assert_skipped_step_leaves_no_trace(make, step)


def test_inactive_task_is_as_if_it_did_not_exist():
    sequences.assert_inactive_task_is_as_if_it_did_not_exist(make, step)


def test_no_active_task_changes_nothing():
    sequences.assert_no_active_task_changes_nothing(make, step)


def test_losses_of_every_scale_give_finite_weights():
    sequences.assert_finite_on_every_scale(make, step)


@pytest.mark.parametrize("temperature", [0.0, -1.0, float("nan"), float("inf")])
def test_temperature_that_is_not_positive_is_refused_by_value(temperature):
    with pytest.raises(ValueError, match=f"temperature must be positive and finite, got {temperature}"):
        DWA(2, temperature=temperature)


@pytest.mark.parametrize(("file", "case"), golden_sequences("dwa"))
def test_golden(file, case):
    """Recorded for the first batch of each epoch; `dwa_window` follows another rule (windows of iterations)."""
    weighter = DWA(case["T"], temperature=file["hyperparameters"]["temp"])
    for epoch, expected in zip(case["losses"], case["expected"], strict=True):
        weights = [weighter(double(losses)).weights for losses in epoch]
        assert all(torch.equal(weights[0], later) for later in weights)
        for key in ("weights", "head_scale"):
            if expected.get(key) is not None:
                torch.testing.assert_close(weights[0], double(expected[key]), rtol=1e-10, atol=1e-10)
        if "grad" in expected:
            grad = weights[0] @ double(case["J"])
            torch.testing.assert_close(grad, double(expected["grad"]), rtol=1e-10, atol=1e-10)
        weighter.after_epoch()
